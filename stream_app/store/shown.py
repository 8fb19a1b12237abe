"""What people look at: the newest context of each day, now or as it was known at an instant."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.regime.joint import l2_norm
from stream_app.store import vectors
from stream_app.store.chosen import CHOSEN, KNOWN, Chosen
from stream_app.store.database import Connection

NOW = f"""
    SELECT as_of_date, region, episode_id, model_id, vector FROM joint_embeddings
    WHERE joint_type = 'REGIME_CONTEXT_V0' AND {CHOSEN} AND $5::timestamptz IS NULL
"""
# The newest revisions are found by their keys alone: sorted with their vectors, a long history would not fit in memory.
THEN = f"""
    SELECT as_of_date, region, NULL AS episode_id, model_id, vector FROM (
        SELECT region, as_of_date, model_id, max(revision) AS revision FROM joint_embedding_revisions r
        WHERE {CHOSEN} AND {KNOWN}
        GROUP BY region, as_of_date, model_id
    ) AS known JOIN joint_embedding_revisions USING (region, as_of_date, model_id, revision)
    WHERE vector IS NOT NULL
"""
_NEWEST = """
    SELECT * FROM (SELECT * FROM ({contexts}) AS chosen ORDER BY as_of_date DESC, region DESC LIMIT $6) AS newest
    ORDER BY as_of_date, region
"""
LISTS = (_NEWEST.format(contexts=NOW), _NEWEST.format(contexts=THEN))
"""Of now, and of an instant."""


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
class ContextQuery(Chosen):
    """Which contexts; of more than `limit` the newest are taken."""

    limit: int = 200


async def contexts(connection: Connection, query: ContextQuery) -> list[ShownContext]:
    """The contexts asked for, by day and then region, newest last."""
    listed = LISTS[query.known_at is not None]
    rows = await connection.fetch(listed, *query.parameters(), query.limit)
    matrix = vectors.from_rows([row["vector"] for row in rows], DIM)
    return [
        ShownContext(row["as_of_date"], row["region"], row["episode_id"], row["model_id"], vector)
        for row, vector in zip(rows, matrix, strict=True)
    ]
