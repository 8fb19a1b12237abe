"""The articles that count on days in UTC as the tables hold them now: their texts, their vectors, and who lacks one.

The seed commands' selection: by news_date, and by language, without case; an article without a language is selected
only where none is asked for.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from stream_app.store.database import Connection

SELECTED = """
    NOT a.retracted AND a.news_date BETWEEN $1 AND $2 AND ($3::text IS NULL OR upper(a.language) = upper($3::text))
"""
EMBEDDED = """
    news_articles a LEFT JOIN text_embeddings e
        ON e.source_type = 'NEWS' AND e.source_id = a.article_id AND e.model_id = $4
"""
TEXT = "coalesce(a.headline || ' ' || a.body, a.body, a.headline, '')"
# What TEXT tells as well; but to make it a long body is read, while neither its length nor '' needs that.
TEXT_BYTES = "octet_length(coalesce(a.headline, '')) + octet_length(coalesce(a.body, ''))"
HAS_TEXT = "((a.headline IS NOT NULL AND a.body IS NOT NULL) OR coalesce(a.body, a.headline, '') <> '')"
IS_CURRENT = "e.content_hash IS NOT DISTINCT FROM a.content_hash"
IS_LIVE = "e.origin IS NOT DISTINCT FROM 'live'"
COUNTS = f"""
    SELECT count(*) AS selected,
        count(*) FILTER (WHERE NOT {HAS_TEXT}) AS empty,
        count(*) FILTER (WHERE {HAS_TEXT} AND {IS_CURRENT}) AS unchanged,
        count(*) FILTER (WHERE {HAS_TEXT} AND NOT {IS_CURRENT} AND {IS_LIVE}) AS live,
        count(*) FILTER (WHERE {HAS_TEXT} AND NOT {IS_CURRENT} AND NOT {IS_LIVE}) AS lacking
    FROM {EMBEDDED} WHERE {SELECTED}
"""
# The range of published_at lets an index give the order; a news_date is never further from it than an offset.
LACKING = f"""
    SELECT a.article_id, a.published_at, a.content_hash, {TEXT_BYTES} AS text_bytes
    FROM {EMBEDDED} WHERE {SELECTED} AND {HAS_TEXT} AND NOT {IS_CURRENT} AND NOT {IS_LIVE}
        AND a.published_at >= $1::date - interval '2 days' AND a.published_at < $2::date + interval '3 days'
        AND (a.published_at, a.article_id) > ($5, $6::text)
    ORDER BY a.published_at, a.article_id LIMIT $7
"""
TEXTS = f"SELECT a.article_id, a.content_hash, {TEXT} FROM news_articles a WHERE a.article_id = ANY($1::text[])"
BY_DAY = f"""
    SELECT a.news_date, count(*) AS articles, count(*) FILTER (WHERE {IS_CURRENT}) AS with_vector
    FROM {EMBEDDED} WHERE {SELECTED} AND {HAS_TEXT} GROUP BY a.news_date
"""
VECTORS = f"""
    SELECT a.news_date, e.vector FROM {EMBEDDED}
    WHERE {SELECTED} AND a.news_date = ANY($5::date[]) AND {HAS_TEXT} AND {IS_CURRENT}
    ORDER BY a.news_date, a.article_id
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """Articles of the days from first to last (inclusive), of a language (None: of any and of none), for a model."""

    first: dt.date
    last: dt.date
    language: str | None
    model_id: str

    def parameters(self) -> tuple[object, ...]:
        """The values for the placeholders $1 to $4."""
        return self.first, self.last, self.language, self.model_id


@dataclass(frozen=True, slots=True)
class Counts:
    """Selected articles: without text, with their vector, with a live vector of another version, without a vector."""

    selected: int
    empty: int
    unchanged: int
    live: int
    lacking: int


@dataclass(frozen=True, slots=True)
class Lacking:
    """An article whose current text has no vector."""

    article_id: str
    published_at: dt.datetime
    content_hash: bytes
    text_bytes: int


@dataclass(frozen=True, slots=True)
class ArticleText:
    """An article's current text, and the hash that it is stored with."""

    article_id: str
    content_hash: bytes
    text: str


@dataclass(frozen=True, slots=True)
class DayNews:
    """How many articles a day has, and how many of them have a vector."""

    articles: int
    with_vector: int


async def counts(connection: Connection, selection: Selection) -> Counts:
    """How many articles of each kind are selected."""
    return Counts(*await connection.fetchrow(COUNTS, *selection.parameters()))


async def lacking(connection: Connection, selection: Selection, after: Lacking | None, limit: int) -> list[Lacking]:
    """The selected articles that lack a vector, by published_at and article_id, from the one after `after` on."""
    place = (dt.datetime.min.replace(tzinfo=dt.UTC), "") if after is None else (after.published_at, after.article_id)
    rows = await connection.fetch(LACKING, *selection.parameters(), *place, limit)
    return [Lacking(*row) for row in rows]


async def texts(connection: Connection, article_ids: Sequence[str]) -> list[ArticleText]:
    """The current texts of articles: headline, a space and body, as docs/joint_spaces says."""
    return [ArticleText(*row) for row in await connection.fetch(TEXTS, list(article_ids))]


async def by_day(connection: Connection, selection: Selection) -> dict[dt.date, DayNews]:
    """The days that have articles with a text."""
    rows = await connection.fetch(BY_DAY, *selection.parameters())
    return {row["news_date"]: DayNews(row["articles"], row["with_vector"]) for row in rows}


async def vectors(
    connection: Connection, selection: Selection, days: Sequence[dt.date]
) -> tuple[list[dt.date], list[bytes]]:
    """The vectors of the articles of some of the selected days and the day of each, by day and article_id."""
    rows = await connection.fetch(VECTORS, *selection.parameters(), list(days))
    return [row["news_date"] for row in rows], [row["vector"] for row in rows]
