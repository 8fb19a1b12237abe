"""Where a context comes from: its trigger, the revisions of its day, and its articles as they stood at the cut."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from schemas import AbsentReason, TopicCut
from stream_app.store import cuts
from stream_app.store.chosen import KNOWN
from stream_app.store.database import Connection
from stream_app.store.news import ARTICLES_AS_OF, NewsDay, NewsSelection
from stream_app.store.places import PLACE_DESC
from stream_app.store.triggers import COLUMNS, StoredTrigger, TriggerKey, from_row
from stream_app.store.versions import NEWS

TRIGGER = f"SELECT {COLUMNS} FROM day_triggers WHERE region = $1 AND as_of = $2 AND number = $3"
REVISIONS = f"""
    SELECT revision, trigger_number, recomputed, known_at, created_at, inputs_hash, absent_reason, stale
    FROM joint_embedding_revisions r
    WHERE model_id = $1 AND region = $2 AND as_of_date = $3 AND ($5::timestamptz IS NULL OR {KNOWN})
    ORDER BY revision DESC LIMIT $4
"""
_VERSION = ", ".join(NEWS.all_columns)


def _articles_sql(news_day: NewsDay) -> str:
    # Which articles there are, and their times, is said by the query that a context is computed from. Each is then told
    # by the same version: its newest one below the cut, whether that is still current or not.
    below = cuts.below("$1", "$2")
    return f"""
        SELECT told.article_id, coalesce(headline, left(body, $9)) AS headline, source, published_at, language,
            left(metadata ->> 'url', 2048) AS url
        FROM (
            SELECT article_id FROM ({ARTICLES_AS_OF[news_day]}) AS of_day WHERE article_id > $7
            ORDER BY article_id LIMIT $8
        ) AS chosen
        CROSS JOIN LATERAL (
            SELECT * FROM (
                SELECT {_VERSION} FROM news_articles WHERE article_id = chosen.article_id AND {below}
                UNION ALL SELECT {_VERSION} FROM news_history WHERE article_id = chosen.article_id AND {below}
            ) AS versions ORDER BY {PLACE_DESC} LIMIT 1
        ) AS told
        ORDER BY told.article_id
    """


ARTICLES: Mapping[NewsDay, str] = {"session": _articles_sql("session"), "utc_date": _articles_sql("utc_date")}
HEADLINE_CHARACTERS = 200
"""Of the body, for an article without a headline."""


@dataclass(frozen=True, slots=True)
class DayQuery:
    """Which day, now or as it was known at an instant."""

    model_id: str
    region: str
    as_of: dt.date
    known_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision without its content. `recomputed`: of a trigger that was computed before; `stored_at`: when it was."""

    revision: int
    trigger_number: int
    recomputed: bool
    known_at: dt.datetime
    stored_at: dt.datetime
    inputs_hash: str
    absent_reason: AbsentReason | None
    stale: bool


@dataclass(frozen=True, slots=True)
class ToldArticle:
    """An article as it stood at a cut; without a headline the beginning of its body. `url` is its metadata's."""

    article_id: str
    headline: str | None
    source: str | None
    published_at: dt.datetime
    language: str | None
    url: str | None


async def trigger(connection: Connection, key: TriggerKey) -> StoredTrigger | None:
    """A trigger; None where there is none of that key."""
    row = await connection.fetchrow(TRIGGER, key.region, key.as_of, key.number)
    return None if row is None else from_row(row)


async def revisions(connection: Connection, day: DayQuery, limit: int) -> list[StoredRevision]:
    """The revisions of a day, or those that were known at an instant: the newest so many, the newest first."""
    rows = await connection.fetch(REVISIONS, day.model_id, day.region, day.as_of, limit, day.known_at)
    return [StoredRevision(*row) for row in rows]


async def articles(
    connection: Connection, selection: NewsSelection, cut: TopicCut, after: str, limit: int
) -> list[ToldArticle]:
    """The selected articles as they stood at the cut, by article_id (COLLATE "C"), from the one after `after` on."""
    sql = ARTICLES[selection.news_day]
    rows = await connection.fetch(
        sql, *cuts.parameters(cut), *selection.parameters(), after, limit, HEADLINE_CHARACTERS
    )
    return [ToldArticle(*row) for row in rows]
