"""Days as a worker stores them, without a worker: the pages that are asked for do not depend on what is in them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM, Definition, InstrumentWindow, JointRegimeContext, Vector, event_id
from stream_app.services import Services
from stream_app.store import revisions
from stream_app.store.database import connection, transaction
from stream_app.store.revisions import NewContext
from stream_app.store.trigger_queue import go_live

LAST_DAY = dt.date(2024, 12, 31)
BATCH_DAYS = 1_000
SEED = 20_080_915


@dataclass(frozen=True, slots=True)
class StoredDays:
    """The newest `days` weekdays of each region, one revision each, of the first joint model."""

    regions: Sequence[str]
    days: int

    @property
    def dates(self) -> list[dt.date]:
        """Ascending."""
        back = (LAST_DAY - dt.timedelta(days=number) for number in range(2 * self.days + 7))
        return sorted([day for day in back if day.isoweekday() <= 5][: self.days])  # noqa: PLR2004 - Friday

    async def store(self, services: Services) -> None:
        """Append them, and let Postgres know its tables."""
        model_id = services.settings.joint_models[0]
        random = np.random.default_rng(SEED)
        async with transaction(services.pool) as conn:
            await go_live(conn, list(self.regions), services.clock.now())
        for region in self.regions:
            for first in range(0, self.days, BATCH_DAYS):
                batch = self.dates[first : first + BATCH_DAYS]
                vectors = random.standard_normal((len(batch), DIM)).astype(np.float32)
                async with transaction(services.pool) as conn:
                    await revisions.append(
                        conn,
                        [
                            NewContext(context(region, day, model_id, vector), None)
                            for day, vector in zip(batch, vectors, strict=True)
                        ],
                        published=True,
                    )
        async with connection(services.pool) as conn:
            await conn.execute("VACUUM ANALYZE")


def context(region: str, day: dt.date, model_id: str, vector: NDArray[np.float32]) -> JointRegimeContext:
    """A day's first revision."""
    closed_at = dt.datetime.combine(day, dt.time(21, 15), dt.UTC)
    return JointRegimeContext(
        event_id=event_id("benchmark", region, day, model_id),
        region=region,
        as_of=day,
        model_id=model_id,
        revision=1,
        trigger_number=1,
        closed_at=closed_at,
        known_at=closed_at + dt.timedelta(seconds=1),
        numeric_model_id="num-regime-core-v1",
        text_model_id="text-fin-general-v1",
        definition=Definition(
            calendar="XNYS", instruments=("SPX.US",), languages=("EN",), news="all", news_day="session"
        ),
        instruments=(InstrumentWindow(instrument_id="SPX.US", rows=63, last_date=day),),
        numeric_last_date=day,
        stale=False,
        articles=120,
        regime_label="NEUTRAL",
        regime_confidence=1.0,
        inputs_hash=f"{region}-{day}",
        absent_reason=None,
        vector=Vector.of(vector),
    )
