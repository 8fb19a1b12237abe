"""Contexts for an export: each day's newest revision, read a chunk at a time, all from one snapshot."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas import DIM, JointRegimeContext
from stream_app.store import vectors
from stream_app.store.chosen import CHOSEN, KNOWN, Chosen
from stream_app.store.database import Connection, connect, errors_told_apart
from stream_app.store.origins import Origin

CHUNK_DAYS = 2_048
"""Days fetched at a time: 3 MB of vectors beside 5 MB of payloads."""

# A day that has a revision is told by it alone, even where it is absent and a seed command has filled the day in. When
# what was filled in was known nobody has noted: as of an instant it is left out.
NEWEST = f"""
    SELECT region, as_of_date, model_id, 'live' AS origin, payload, NULL::jsonb AS entity_scope, vector FROM (
        SELECT DISTINCT ON (region, as_of_date) * FROM joint_embedding_revisions r
        WHERE {CHOSEN} AND ($5::timestamptz IS NULL OR {KNOWN})
        ORDER BY region, as_of_date, revision DESC
    ) AS newest
    UNION ALL
    SELECT region, as_of_date, model_id, origin, NULL, entity_scope, vector FROM joint_embeddings AS filled
    WHERE joint_type = 'REGIME_CONTEXT_V0' AND {CHOSEN} AND $5::timestamptz IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM joint_embedding_revisions r
            WHERE r.region = filled.region AND r.as_of_date = filled.as_of_date AND r.model_id = filled.model_id)
"""
COUNT = f"SELECT count(*) AS days, count(*) FILTER (WHERE vector IS NULL) AS absent FROM ({NEWEST}) AS chosen"
LIST = f"SELECT * FROM ({NEWEST}) AS chosen WHERE $6 OR vector IS NOT NULL ORDER BY region, as_of_date"

_NO_VECTOR = vectors.to_rows(np.full((1, DIM), np.nan, np.float32))[0]
_decoder = msgspec.json.Decoder(JointRegimeContext)


@dataclass(frozen=True, slots=True)
class ExportQuery(Chosen):
    """Which days; `absent`: also those without a vector."""

    absent: bool = False


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many days a query chooses, and how many of them have no vector."""

    days: int
    absent: int

    def taken(self, query: ExportQuery) -> int:
        """How many of them the query takes."""
        return self.days if query.absent else self.days - self.absent


@dataclass(frozen=True, slots=True)
class ExportedDay:
    """A day with its vector, float32 (384,), if it has one; no context where a seed command filled the day in.

    The halves' models are None where they are not known.
    """

    region: str
    as_of: dt.date
    model_id: str
    numeric_model_id: str | None
    text_model_id: str | None
    origin: Origin
    context: JointRegimeContext | None
    vector: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class DayChunk:
    """Some days, and their vectors as one matrix, float32 (n, 384): NaN where a day has none."""

    days: Sequence[ExportedDay]
    vectors: NDArray[np.float32]


@asynccontextmanager
async def snapshot(database_url: str) -> AsyncIterator[Connection]:
    """A connection that sees the database as it is at its first question, in a read-only transaction.

    What goes wrong in the block is not taken for the database's fault: that of a file stays that of a file.
    """
    connection = await connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()


async def count(connection: Connection, query: ExportQuery) -> DayCount:
    """How many days there are, whether or not the query takes those without a vector."""
    async with errors_told_apart():
        row = await connection.fetchrow(COUNT, *query.parameters())
    return DayCount(row["days"], row["absent"])


async def chunks(connection: Connection, query: ExportQuery) -> AsyncIterator[DayChunk]:
    """The days by region and date, CHUNK_DAYS at a time from a cursor of the server. Needs an open transaction."""
    async with errors_told_apart():
        cursor = await connection.cursor(LIST, *query.parameters(), query.absent)
        rows = await cursor.fetch(CHUNK_DAYS)
    while rows:
        yield _chunk(rows)
        async with errors_told_apart():
            rows = await cursor.fetch(CHUNK_DAYS)


def _chunk(rows: Sequence[Any]) -> DayChunk:
    matrix = vectors.from_rows([row["vector"] or _NO_VECTOR for row in rows], DIM)
    found = (None if row["vector"] is None else vector for row, vector in zip(rows, matrix, strict=True))
    return DayChunk([day(row, context_of(row), vector) for row, vector in zip(rows, found, strict=True)], matrix)


def context_of(row: Any) -> JointRegimeContext | None:
    """The context of a row of NEWEST's columns; None of a day that a seed command filled in."""
    return None if row["payload"] is None else _decoder.decode(row["payload"])


def day(row: Any, context: JointRegimeContext | None, vector: NDArray[np.float32] | None) -> ExportedDay:
    """The day of a row of NEWEST's columns."""
    scope = row["entity_scope"] or {}
    return ExportedDay(
        row["region"],
        row["as_of_date"],
        row["model_id"],
        scope.get("numeric_model_id") if context is None else context.numeric_model_id,
        scope.get("text_model_id") if context is None else context.text_model_id,
        row["origin"],
        context,
        vector,
    )
