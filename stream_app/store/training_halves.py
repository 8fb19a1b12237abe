"""Stored halves of days, for what is learned from them: a page at a time, from cursors of the server.

Each needs an open transaction, so that all pages are of one snapshot.
"""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.store import vectors
from stream_app.store.database import Connection, errors_told_apart
from stream_app.store.news import IN_RANGE, WANTED, NewsDay, NewsSelection
from stream_app.store.regimes import one_a_day

PAGE_DAYS = 256
"""Numeric halves fetched at a time, 0.4 MB; the news of so many days is asked for at once."""
PAGE_ARTICLES = 2_048
"""Text vectors fetched at a time, 3 MB."""

# A live regime is of the day's own definition; one that was filled in counts if it is of the region's instruments.
NUMERIC = one_a_day(
    "as_of_date, regime_embedding",
    """region = $1 AND model_id = $2 AND as_of_date BETWEEN $3 AND $4
        AND (origin = 'live' OR (instruments @> $5::text[] AND instruments <@ $5::text[]))""",
)
COUNT = f"SELECT count(*) FROM ({NUMERIC}) AS chosen"
TEXTS: dict[NewsDay, str] = {
    news_day: f"""
        SELECT published_at, news_date, e.vector FROM news_articles a
        JOIN text_embeddings e ON e.source_type = $1 AND e.source_id = a.article_id AND e.model_id = $2
            AND e.content_hash = a.content_hash
        WHERE {in_range} AND {WANTED} AND NOT retracted
        ORDER BY article_id
    """
    for news_day, in_range in IN_RANGE.items()
}


@dataclass(frozen=True, slots=True)
class NumericSelection:
    """The days of a region from first to last (inclusive) that have a regime of a numeric model."""

    region: str
    model_id: str
    first: dt.date
    last: dt.date
    instruments: Sequence[str]

    def parameters(self) -> tuple[object, ...]:
        """The values for the placeholders of NUMERIC."""
        return self.region, self.model_id, self.first, self.last, list(self.instruments)


@dataclass(frozen=True, slots=True, eq=False)
class NumericPage:
    """Some days, ascending, and their numeric halves, float32 (n, 384)."""

    days: list[dt.date]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TextPage:
    """Some articles by article_id: when they were published, their dates, and their vectors, float32 (n, 384)."""

    published_at: list[dt.datetime]
    news_dates: list[dt.date]
    vectors: NDArray[np.float32]


async def count(connection: Connection, selection: NumericSelection) -> int:
    """How many days are selected."""
    async with errors_told_apart():
        return int(await connection.fetchval(COUNT, *selection.parameters()))


async def numeric_pages(connection: Connection, selection: NumericSelection) -> AsyncIterator[NumericPage]:
    """The selected days, ascending, with their numeric halves."""
    async with errors_told_apart():
        cursor = await connection.cursor(NUMERIC, *selection.parameters())
        rows = await cursor.fetch(PAGE_DAYS)
    while rows:
        yield NumericPage([row[0] for row in rows], vectors.from_rows([row[1] for row in rows], DIM))
        async with errors_told_apart():
            rows = await cursor.fetch(PAGE_DAYS)


async def text_pages(connection: Connection, model_id: str, selection: NewsSelection) -> AsyncIterator[TextPage]:
    """The selected articles as they are now that have a vector of the text model."""
    sql = TEXTS[selection.news_day]
    async with errors_told_apart():
        cursor = await connection.cursor(sql, "NEWS", model_id, *selection.parameters())
        rows = await cursor.fetch(PAGE_ARTICLES)
    while rows:
        matrix = vectors.from_rows([row[2] for row in rows], DIM)
        yield TextPage([row[0] for row in rows], [row[1] for row in rows], matrix)
        async with errors_told_apart():
            rows = await cursor.fetch(PAGE_ARTICLES)
