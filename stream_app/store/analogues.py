"""Days alike: the vectors nearest to a day's own by the cosine, every stored one compared.

pgvector compares in float32, whose error can put two days in the wrong order where many are very much alike. So it
chooses candidates alone: more than are asked for, until none that it left out can belong to them.
"""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.regime.cosines import cosines
from stream_app.store import vectors
from stream_app.store.database import Connection

VECTOR = """
    SELECT vector FROM joint_embeddings
    WHERE joint_type = 'REGIME_CONTEXT_V0' AND region = $1 AND as_of_date = $2 AND model_id = $3
"""
CANDIDATES = """
    SELECT region, as_of_date, vector, similarity FROM (
        SELECT region, as_of_date, vector, 1 - (vector <=> $1::vector) AS similarity FROM joint_embeddings
        WHERE joint_type = 'REGIME_CONTEXT_V0' AND model_id = $2 AND region = ANY($3::text[])
            AND as_of_date BETWEEN $4 AND $5 AND (as_of_date <= $6 OR as_of_date >= $7)
    ) AS compared
    WHERE similarity <> 'NaN' ORDER BY similarity DESC LIMIT $8
"""
MARGIN = 64
"""Candidates beyond those that are asked for."""
MORE = 8
"""Times as many candidates, where those did not suffice."""
FLOAT32_ERROR = 4 * DIM * 2.0**-24
"""The most by which a cosine of two vectors is wrong that sums 384 products, and two times 384 squares, in float32."""


@dataclass(frozen=True, slots=True)
class AlikeQuery:
    """Days of regions between `first` and `last` that lie not after `before` or not before `after`, all inclusive."""

    model_id: str
    regions: Sequence[str]
    first: dt.date
    last: dt.date
    before: dt.date
    after: dt.date
    limit: int

    def parameters(self) -> tuple[object, ...]:
        """The values for the placeholders $2 to $7."""
        return self.model_id, list(self.regions), self.first, self.last, self.before, self.after


@dataclass(frozen=True, slots=True)
class AlikeDay:
    """A day and the cosine of its vector to the one that was asked for, float64."""

    region: str
    as_of: dt.date
    similarity: float


async def vector(connection: Connection, region: str, as_of: dt.date, model_id: str) -> NDArray[np.float32] | None:
    """The day's newest vector, float32 (384,); None where it has none."""
    found = await connection.fetchval(VECTOR, region, as_of, model_id)
    return None if found is None else vectors.from_rows([found], DIM)[0]


async def alike(connection: Connection, wanted: NDArray[np.float32], query: AlikeQuery) -> list[AlikeDay]:
    """The days most alike to a vector, the most alike first; of equals the later day, then by region."""
    (packed,) = vectors.to_rows(wanted[np.newaxis])
    count = query.limit + MARGIN
    while True:
        rows = await connection.fetch(CANDIDATES, packed, *query.parameters(), count)
        found = await asyncio.to_thread(_ranked, rows, wanted)
        if len(rows) < count or rows[-1]["similarity"] < found[query.limit - 1].similarity - FLOAT32_ERROR:
            return found[: query.limit]
        count *= MORE


def _ranked(rows: Sequence[Any], wanted: NDArray[np.float32]) -> list[AlikeDay]:
    """The candidates by their cosine in float64."""
    matrix = vectors.from_rows([row["vector"] for row in rows], DIM)
    similarities = cosines(np.concatenate([wanted[np.newaxis], matrix]), 0)[1:].tolist()
    days = [AlikeDay(row["region"], row["as_of_date"], each) for row, each in zip(rows, similarities, strict=True)]
    days.sort(key=lambda day: (-day.similarity, -day.as_of.toordinal(), day.region))
    return days
