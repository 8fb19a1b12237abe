"""A region's vectors of one model, joint or numeric, and an instrument's closes, as an evaluation reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.store import vectors
from stream_app.store.database import Connection
from stream_app.store.prices import Dates, Series, days_of
from stream_app.store.regimes import one_a_day

LARGEST_DAYS = 20_000
"""The newest so many days are read: 80 years of sessions, 31 MB of vectors."""

JOINT = """
    SELECT as_of_date, vector, entity_scope->>'numeric_model_id' FROM joint_embeddings
    WHERE joint_type = 'REGIME_CONTEXT_V0' AND region = $1 AND model_id = $2
    ORDER BY as_of_date DESC LIMIT $3
"""
NUMERIC = f"""
    SELECT as_of_date, regime_embedding, NULL FROM (
        {one_a_day("as_of_date, regime_embedding", "region = $1 AND model_id = $2")}
    ) AS of_days ORDER BY as_of_date DESC LIMIT $3
"""
CLOSES = """
    SELECT trade_date, close, coalesce(volume, 0) FROM prices_daily
    WHERE instrument_id = $1 AND NOT retracted
    ORDER BY trade_date DESC LIMIT $2
"""


@dataclass(frozen=True, slots=True, eq=False)
class StoredSpace:
    """A region's vectors of one model: dates (n,) datetime64[D], ascending, and float32 (n, 384).

    `numeric_model_id` is of a joint model's numeric half; None of a numeric model, or where it was not noted.
    """

    dates: Dates
    vectors: NDArray[np.float32]
    numeric_model_id: str | None


async def joint_space(connection: Connection, region: str, model_id: str) -> StoredSpace | None:
    """The newest vector of each day; None where the model has none."""
    return _space(await connection.fetch(JOINT, region, model_id, LARGEST_DAYS))


async def numeric_space(connection: Connection, region: str, model_id: str) -> StoredSpace | None:
    """The regime vector of each day; None where the model has none."""
    return _space(await connection.fetch(NUMERIC, region, model_id, LARGEST_DAYS))


async def closes(connection: Connection, instrument: str) -> Series:
    """The instrument's newest rows, in date order."""
    rows = (await connection.fetch(CLOSES, instrument, LARGEST_DAYS))[::-1]
    dates, prices, volumes = zip(*rows, strict=True) if rows else ((), (), ())
    return Series.of(dates, prices, volumes)


def _space(newest_first: Sequence[Any]) -> StoredSpace | None:
    rows = newest_first[::-1]
    if not rows:
        return None
    matrix = vectors.from_rows([row[1] for row in rows], DIM)
    return StoredSpace(days_of([row[0] for row in rows]), matrix, rows[-1][2])
