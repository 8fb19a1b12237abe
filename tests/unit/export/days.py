"""Days as an export gets them, made from what a test cares about."""

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import Definition, InstrumentWindow, JointRegimeContext, Vector, event_id
from stream_app.store.exported import DayChunk, ExportedDay
from stream_app.store.models import Model

JOINT, NUMERIC, TEXT = "joint-regime-core-v1", "num-regime-core-v1", "text-fin-general-v1"
MODELS = [Model(JOINT, "joint", 384, "fingerprint j"), Model(NUMERIC, "numeric", 384, "fingerprint n")]
US = Definition(calendar="XNYS", instruments=("SPX.US",), languages=("EN",), news="all", news_day="session")
FRIDAY, MONDAY, TUESDAY = (dt.date(2008, 9, day) for day in (12, 15, 16))
INSTRUMENTS = ("NDX.US", "SPX.US")


def vector(seed: int) -> NDArray[np.float32]:
    """Numbers that use all their bits: of every size, a zero with a sign, the smallest and the largest."""
    random = np.random.default_rng(seed)
    made = (random.standard_normal(384) * 10.0 ** random.integers(-30, 15, 384)).astype(np.float32)
    made[:4] = -0.0, np.finfo(np.float32).smallest_subnormal, 16777215.0, np.float32(0.1)
    return made


def context(
    day: dt.date, numbers: NDArray[np.float32] | None, *, region: str = "US", revision: int = 1, **more: Any
) -> JointRegimeContext:
    """A revision of a day, absent for want of news where there are no numbers."""
    told: dict[str, Any] = {
        "event_id": event_id(region, day, revision),
        "region": region,
        "as_of": day,
        "model_id": JOINT,
        "revision": revision,
        "trigger_number": revision,
        "closed_at": dt.datetime.combine(day, dt.time(20, 15), dt.UTC),
        "known_at": dt.datetime.combine(day, dt.time(20, 15, 1, 5000), dt.UTC),
        "numeric_model_id": NUMERIC,
        "text_model_id": TEXT,
        "definition": US,
        "instruments": tuple(InstrumentWindow(instrument_id=name, rows=63, last_date=day) for name in INSTRUMENTS),
        "numeric_last_date": day,
        "stale": False,
        "articles": 0 if numbers is None else 3,
        "regime_label": "NEUTRAL",
        "regime_confidence": 0.1,
        "inputs_hash": f"hash {revision}",
        "absent_reason": "no-news" if numbers is None else None,
        "vector": None if numbers is None else Vector.of(numbers),
    }
    return JointRegimeContext(**told | more)


def of_context(told: JointRegimeContext) -> ExportedDay:
    """A day that the live path has computed."""
    numbers = None if told.vector is None else told.vector.numpy().astype(np.float32)
    return ExportedDay(
        told.region, told.as_of, told.model_id, told.numeric_model_id, told.text_model_id, "live", told, numbers
    )


def filled_in(day: dt.date, numbers: NDArray[np.float32]) -> ExportedDay:
    """A day that a seed command has filled in."""
    return ExportedDay("US", day, JOINT, NUMERIC, TEXT, "backfill", None, numbers)


def chunk(*days: ExportedDay) -> DayChunk:
    """Days as one chunk."""
    nothing = np.full(384, np.nan, np.float32)
    rows = [nothing if day.vector is None else day.vector for day in days]
    return DayChunk(days, np.array(rows, np.float32).reshape(-1, 384))
