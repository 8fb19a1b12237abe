"""How far the pipeline is: what is applied of each log, what waits, and which day each region closed last."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from stream_app.store.database import Connection

APPLIED = """
    SELECT topic, partition, log_epoch, next_offset, extract(epoch FROM now() - updated_at)::float8 AS idle_seconds
    FROM ingest_progress WHERE topic = ANY($1::text[]) ORDER BY topic, partition
"""
WAITING = """
    SELECT count(*), extract(epoch FROM now() - min(created_at))::float8,
        (SELECT count(*) FROM joint_embedding_revisions WHERE NOT published), (SELECT count(*) FROM late_marks)
    FROM day_triggers WHERE NOT computed
"""
LAST_CLOSES = """
    SELECT DISTINCT ON (region) region, as_of, number, closed_at, known_at, computed FROM day_triggers
    WHERE known_at IS NOT NULL ORDER BY region, known_at DESC, as_of DESC
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """A partition is applied below `next_offset`, and was moved on last so many seconds ago."""

    topic: str
    partition: int
    log_epoch: int
    next_offset: int
    idle_seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """Triggers that are to be computed, the oldest for so long, contexts that are to be published, and days that late
    records have touched."""

    triggers: int
    oldest_seconds: float | None
    contexts: int
    marks: int


@dataclass(frozen=True, slots=True)
class LastClose:
    """The newest trigger of a region in the log."""

    region: str
    as_of: dt.date
    number: int
    closed_at: dt.datetime
    known_at: dt.datetime
    computed: bool


async def applied(connection: Connection, topics: Collection[str]) -> list[Applied]:
    """Every partition of topics (on the wire) that a worker has read, by topic and partition."""
    return [Applied(*row) for row in await connection.fetch(APPLIED, list(topics))]


async def waiting(connection: Connection) -> Waiting:
    """What is not done yet."""
    return Waiting(*await connection.fetchrow(WAITING))


async def last_closes(connection: Connection) -> list[LastClose]:
    """The trigger of each region that was known last, by region."""
    return [LastClose(*row) for row in await connection.fetch(LAST_CLOSES)]
