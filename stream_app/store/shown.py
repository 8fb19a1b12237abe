"""What people look at: the newest context of each day."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.regime.joint import l2_norm
from stream_app.store import vectors
from stream_app.store.database import Connection

LIST = """
    SELECT as_of_date, region, episode_id, model_id, vector FROM (
        SELECT * FROM joint_embeddings
        WHERE joint_type = 'REGIME_CONTEXT_V0' AND ($1::text[] IS NULL OR region = ANY($1::text[]))
            AND ($2::date IS NULL OR as_of_date >= $2) AND ($3::date IS NULL OR as_of_date <= $3) AND model_id = $4
        ORDER BY as_of_date DESC, region DESC LIMIT $5
    ) AS newest
    ORDER BY as_of_date, region
"""


@dataclass(frozen=True, slots=True)
class ShownContext:
    """One day's newest context; `vector` is float32, shape (384,)."""

    as_of_date: dt.date
    region: str
    episode_id: str | None
    model_id: str
    vector: NDArray[np.float32]

    @property
    def l2_norm(self) -> np.float32:
        """The vector's float32 norm."""
        return l2_norm(self.vector)


@dataclass(frozen=True, slots=True)
class ContextQuery:
    """Which contexts: None means no bound. Of more than `limit` the newest are taken."""

    model_id: str
    regions: Sequence[str] | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    limit: int = 200


async def contexts(connection: Connection, query: ContextQuery) -> list[ShownContext]:
    """The contexts asked for, by day and then region, newest last."""
    regions = None if query.regions is None else list(query.regions)
    rows = await connection.fetch(LIST, regions, query.start, query.end, query.model_id, query.limit)
    matrix = vectors.from_rows([row["vector"] for row in rows], DIM)
    return [
        ShownContext(row["as_of_date"], row["region"], row["episode_id"], row["model_id"], vector)
        for row, vector in zip(rows, matrix, strict=True)
    ]
