"""Where days and what they make stand: which wait, which came last, and what is still to be published."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from stream_app.store.database import Connection
from stream_app.store.triggers import COLUMNS, StoredTrigger, from_row

# What is read back from the log comes first, in the log's order, as it is computed.
UNFINISHED = f"""
    SELECT DISTINCT ON (region) {COLUMNS}, created_at, count(*) OVER (PARTITION BY region) AS triggers
    FROM day_triggers WHERE region = ANY($1::text[]) AND NOT computed
    ORDER BY region, known_at IS NULL, log_epoch, log_timestamp_ms, log_partition, log_offset, as_of, number
"""
LAST_CLOSED = """
    SELECT asked.region, last.* FROM unnest($1::text[]) AS asked (region)
    CROSS JOIN LATERAL (
        SELECT as_of, number, closed_at, known_at FROM day_triggers t
        WHERE t.region = asked.region AND computed AND NOT superseded ORDER BY as_of DESC, number DESC LIMIT 1
    ) AS last
"""
LAST_CONTEXTS = """
    SELECT asked.region, model.model_id, last.*
    FROM unnest($1::text[]) AS asked (region) CROSS JOIN unnest($2::text[]) AS model (model_id)
    CROSS JOIN LATERAL (
        SELECT as_of_date, revision, absent_reason, stale, known_at, created_at, published
        FROM joint_embedding_revisions r
        WHERE r.region = asked.region AND r.model_id = model.model_id ORDER BY as_of_date DESC, revision DESC LIMIT 1
    ) AS last
    ORDER BY 1, 2
"""
MARKED_DAYS = "SELECT region, count(DISTINCT as_of) AS days FROM late_marks GROUP BY region"
# Younger rows may be being published by whoever stored them.
UNPUBLISHED = """
    SELECT what, count(*) AS rows, extract(epoch FROM now() - min(created_at))::float8 AS oldest_seconds
    FROM (
        SELECT 'triggers' AS what, created_at FROM day_triggers WHERE NOT published
        UNION ALL SELECT 'contexts', created_at FROM joint_embedding_revisions WHERE NOT published
        UNION ALL SELECT 'transitions', created_at FROM regime_transition_revisions WHERE NOT published
        UNION ALL SELECT 'dead letters', created_at FROM dead_letters WHERE NOT published
    ) AS left_over
    WHERE created_at <= now() - make_interval(secs => $1) GROUP BY what ORDER BY what
"""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The trigger of a region that is to be computed next, when it was made, and how many are to be computed."""

    trigger: StoredTrigger
    created_at: dt.datetime
    triggers: int


@dataclass(frozen=True, slots=True)
class LastClosed:
    """A region's newest day that was computed: its newest trigger's number, scheduled close plus grace, Kafka time."""

    region: str
    as_of: dt.date
    number: int
    closed_at: dt.datetime
    known_at: dt.datetime


@dataclass(frozen=True, slots=True)
class LastContext:
    """The newest context of a region and a joint model. `made_at` is when it was stored, by the database's clock."""

    region: str
    model_id: str
    as_of: dt.date
    revision: int
    absent_reason: str | None
    stale: bool
    known_at: dt.datetime
    made_at: dt.datetime
    published: bool


@dataclass(frozen=True, slots=True)
class Unpublished:
    """Rows that should be on their topic by now: triggers, contexts, transitions or dead letters."""

    what: str
    rows: int
    oldest_seconds: float


async def unfinished(connection: Connection, regions: Sequence[str]) -> dict[str, Unfinished]:
    """Of each of these regions that has a trigger to be computed, the next one."""
    rows = await connection.fetch(UNFINISHED, list(regions))
    return {row["region"]: Unfinished(from_row(row), row["created_at"], row["triggers"]) for row in rows}


async def last_closed(connection: Connection, regions: Sequence[str]) -> dict[str, LastClosed]:
    """Of each of these regions the newest day that was computed, if there is one."""
    return {row["region"]: LastClosed(*row) for row in await connection.fetch(LAST_CLOSED, list(regions))}


async def last_contexts(connection: Connection, regions: Sequence[str], models: Sequence[str]) -> list[LastContext]:
    """The newest context of each of these regions and joint models that has one, by region and model."""
    return [LastContext(*row) for row in await connection.fetch(LAST_CONTEXTS, list(regions), list(models))]


async def marked_days(connection: Connection) -> dict[str, int]:
    """By region how many days late records have touched that are not amended yet."""
    return {row["region"]: row["days"] for row in await connection.fetch(MARKED_DAYS)}


async def unpublished(connection: Connection, age_seconds: float) -> list[Unpublished]:
    """What is not on its topic yet and was stored so long ago."""
    return [Unpublished(*row) for row in await connection.fetch(UNPUBLISHED, age_seconds)]
