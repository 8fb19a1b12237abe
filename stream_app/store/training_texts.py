"""Texts that something is fitted on: of stored articles, each text once."""

import datetime as dt
from collections.abc import AsyncIterator

from stream_app.store.article_texts import HAS_TEXT, TEXT
from stream_app.store.database import Connection, errors_told_apart

PAGE_TEXTS = 128
"""Texts fetched at a time, each of at most 1 MiB, as a record is."""

# By content hash, which is as good as drawn by lot and the same in every run.
TEXTS = f"""
    SELECT text FROM (
        SELECT DISTINCT ON (a.content_hash) a.content_hash, {TEXT} AS text FROM news_articles a
        WHERE NOT a.retracted AND {HAS_TEXT}
            AND ($1::date IS NULL OR a.news_date >= $1) AND ($2::date IS NULL OR a.news_date <= $2)
        ORDER BY a.content_hash LIMIT $3
    ) AS chosen
"""


async def pages(
    connection: Connection, first: dt.date | None, last: dt.date | None, limit: int
) -> AsyncIterator[list[str]]:
    """At most `limit` different texts of articles of these days (None: no bound), by content hash, some at a time from
    a cursor of the server. Needs an open transaction."""
    async with errors_told_apart():
        cursor = await connection.cursor(TEXTS, first, last, limit)
        rows = await cursor.fetch(PAGE_TEXTS)
    while rows:
        yield [row["text"] for row in rows]
        async with errors_told_apart():
            rows = await cursor.fetch(PAGE_TEXTS)
