"""News: the articles of days as they stood at a cut."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from schemas import TopicCut
from stream_app.store import cuts
from stream_app.store.database import Connection
from stream_app.store.places import PLACE_DESC

NewsDay = Literal["utc_date", "session"]

TAG_ALIASES = {"UK": ("GB",)}
"""Tags that are read as a region's own besides its name."""

IN_RANGE: dict[NewsDay, str] = {
    "session": "published_at > $3 AND published_at <= $4",
    "utc_date": "news_date >= $3 AND news_date <= $4",
}
"""Of NewsSelection.parameters, $3 to $6, as WANTED is."""
WANTED = "upper(language) = ANY($5::text[]) AND ($6::text[] IS NULL OR regions = '{}' OR regions && $6::text[])"
_READ = "article_id, published_at, news_date, content_hash"


def _articles_sql(news_day: NewsDay) -> str:
    # A current row below the cut is the newest below it. Only where the current row is above, history is asked.
    in_range, below = IN_RANGE[news_day], cuts.below("$1", "$2")
    return f"""
        SELECT {_READ} FROM news_articles WHERE {in_range} AND {below} AND {WANTED} AND NOT retracted
        UNION ALL
        SELECT {_READ} FROM (
            SELECT DISTINCT article_id AS id FROM news_history WHERE {in_range} AND {below}
        ) AS candidate
        CROSS JOIN LATERAL (
            SELECT * FROM news_history WHERE article_id = id AND {below} ORDER BY {PLACE_DESC} LIMIT 1
        ) AS newest
        WHERE {in_range} AND {WANTED} AND NOT retracted
            AND NOT EXISTS (SELECT 1 FROM news_articles WHERE article_id = id AND {below})
        ORDER BY article_id
    """


ARTICLES_AS_OF: dict[NewsDay, str] = {"session": _articles_sql("session"), "utc_date": _articles_sql("utc_date")}


_ABOVE = "article_id, published_at, news_date, language, regions, log_epoch, log_partition, log_offset"


def _versions_above_sql(news_day: NewsDay) -> str:
    which = f"({IN_RANGE[news_day]} OR article_id = ANY($5::text[])) AND {cuts.below('$1', '$2')} IS NOT TRUE"
    return f"""
        SELECT {_ABOVE} FROM news_articles WHERE {which} UNION ALL SELECT {_ABOVE} FROM news_history WHERE {which}
    """


VERSIONS_ABOVE: dict[NewsDay, str] = {
    "session": _versions_above_sql("session"),
    "utc_date": _versions_above_sql("utc_date"),
}


@dataclass(frozen=True, slots=True)
class Article:
    """What a context needs to know of an article: who it is, when it counts, and which text vector is its own."""

    article_id: str
    published_at: dt.datetime
    news_date: dt.date
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class NewsSelection:
    """Which articles count: after < published_at <= until in session mode, else after <= news_date <= until.

    Languages are compared without case. `tags` None takes every article, else those with one of them or none at all.
    """

    news_day: NewsDay
    after: dt.datetime | dt.date
    until: dt.datetime | dt.date
    languages: tuple[str, ...]
    tags: tuple[str, ...] | None

    def parameters(self) -> tuple[Any, ...]:
        """The values for the placeholders $3 to $6."""
        upper = [language.upper() for language in self.languages]
        return self.after, self.until, upper, None if self.tags is None else list(self.tags)


@dataclass(frozen=True, slots=True)
class ArticleVersion:
    """A version of an article: the day it may count on (None: retracted), for whom, and where it is in the log."""

    article_id: str
    published_at: dt.datetime | None
    news_date: dt.date | None
    language: str | None
    tags: tuple[str, ...]
    log_epoch: int
    log_partition: int
    log_offset: int


def version(row: Any) -> ArticleVersion:
    """A version from a row that has its columns."""
    return ArticleVersion(
        article_id=row["article_id"],
        published_at=row["published_at"],
        news_date=row["news_date"],
        language=row["language"],
        tags=tuple(row["regions"]),
        log_epoch=row["log_epoch"],
        log_partition=row["log_partition"],
        log_offset=row["log_offset"],
    )


def tags_of(region: str) -> tuple[str, ...]:
    """The tags that name a region."""
    return (region, *TAG_ALIASES.get(region, ()))


async def articles_as_of(connection: Connection, selection: NewsSelection, cut: TopicCut) -> list[Article]:
    """The selected articles as they stood at the cut, by article_id (COLLATE "C")."""
    sql = ARTICLES_AS_OF[selection.news_day]
    rows = await connection.fetch(sql, *cuts.parameters(cut), *selection.parameters())
    return [Article(*row) for row in rows]


async def versions_above(
    connection: Connection, selection: NewsSelection, article_ids: Collection[str], cut: TopicCut
) -> list[ArticleVersion]:
    """Versions at or above the cut that are in the selection's range or belong to one of the articles."""
    sql = VERSIONS_ABOVE[selection.news_day]
    rows = await connection.fetch(sql, *cuts.parameters(cut), selection.after, selection.until, list(article_ids))
    return [version(row) for row in rows]
