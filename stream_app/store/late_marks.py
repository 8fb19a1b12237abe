"""Late marks: a record touched a day that already has a trigger. The closer amends the days that keep a mark."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from schemas import Definition
from stream_app.store.database import Connection
from stream_app.store.triggers import definition

PUT = """
    INSERT INTO late_marks AS m (region, as_of, topic, partition, log_epoch, log_offset, marked_at, renewed_at)
    SELECT *, $7::timestamptz, $7::timestamptz
    FROM unnest($1::text[], $2::date[], $3::text[], $4::int[], $5::int[], $6::bigint[])
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (region, as_of, topic, partition) DO UPDATE
    SET log_epoch = excluded.log_epoch, log_offset = excluded.log_offset, renewed_at = excluded.renewed_at
    WHERE (excluded.log_epoch, excluded.log_offset) > (m.log_epoch, m.log_offset)
"""
TRIGGERED_DEFINITIONS = """
    SELECT DISTINCT region, as_of, calendar, instruments, languages, news, news_day
    FROM day_triggers WHERE as_of BETWEEN $1 AND $2 AND ($3::text[] IS NULL OR instruments && $3)
"""
# In one statement, so that a mark which a transaction adds meanwhile is looked at in the next pass.
TAKE_UP = """
    WITH newest AS (
        SELECT DISTINCT ON (region, as_of) region, as_of, cut FROM day_triggers t
        WHERE cut IS NOT NULL AND EXISTS (SELECT 1 FROM late_marks l WHERE l.region = t.region AND l.as_of = t.as_of)
        ORDER BY region, as_of, number DESC
    ), dropped AS (
        DELETE FROM late_marks m USING newest
        WHERE m.region = newest.region AND m.as_of = newest.as_of AND (
            m.log_epoch < (newest.cut -> m.topic ->> 'epoch')::int
            OR m.log_epoch = (newest.cut -> m.topic ->> 'epoch')::int
                AND m.log_offset < (newest.cut -> m.topic -> 'offsets' ->> m.partition)::bigint)
        RETURNING m.region, m.as_of, m.topic, m.partition
    )
    SELECT region, as_of FROM late_marks
    WHERE (region, as_of, topic, partition) NOT IN (SELECT region, as_of, topic, partition FROM dropped)
    GROUP BY region, as_of
    HAVING min(marked_at) <= $2 OR max(renewed_at) <= $1
        AND NOT bool_or((topic, partition) IN (SELECT * FROM unnest($3::text[], $4::int[])))
    ORDER BY region, as_of
"""
ANY_LEFT = "SELECT EXISTS (SELECT 1 FROM late_marks)"
LATEST_TRIGGERED = "SELECT max(as_of) FROM day_triggers"


@dataclass(frozen=True, slots=True)
class Mark:
    """A record at this place of the log touched this day."""

    region: str
    as_of: dt.date
    topic: str
    partition: int
    log_epoch: int
    log_offset: int


def below_all(region: str, as_of: dt.date, topic: str, log_epoch: int) -> Mark:
    """A mark that no record left: any cut of that epoch of the topic's log, or of a later one, settles it."""
    return Mark(region, as_of, topic, 0, log_epoch, -1)


@dataclass(frozen=True, slots=True)
class TriggeredDay:
    """A day with a trigger, and what the region was then."""

    region: str
    as_of: dt.date
    definition: Definition


@dataclass(frozen=True, slots=True)
class AtRest:
    """When a day has come to rest: nothing has marked it since `quiet_since`, and no partition that did is `behind`,
    its records not all applied. A day that was first marked by `overdue_since` waits for that no longer."""

    quiet_since: dt.datetime
    overdue_since: dt.datetime
    behind: Collection[tuple[str, int]]


async def put(connection: Connection, marks: Sequence[Mark], now: dt.datetime) -> None:
    """Add marks; of several at one place of a day the newest stays, and when the first was made."""
    newest: dict[tuple[str, dt.date, str, int], Mark] = {}
    for mark in sorted(marks, key=lambda m: (m.log_epoch, m.log_offset)):
        newest[mark.region, mark.as_of, mark.topic, mark.partition] = mark
    kept = list(newest.values())
    if kept:
        await connection.execute(
            PUT,
            [m.region for m in kept],
            [m.as_of for m in kept],
            [m.topic for m in kept],
            [m.partition for m in kept],
            [m.log_epoch for m in kept],
            [m.log_offset for m in kept],
            now,
        )


async def latest_triggered_day(connection: Connection) -> dt.date | None:
    """The latest day of any region that has a trigger; only what reaches back to it can be late."""
    latest: dt.date | None = await connection.fetchval(LATEST_TRIGGERED)
    return latest


async def triggered_days(
    connection: Connection, first: dt.date, last: dt.date, naming: Collection[str] | None = None
) -> list[TriggeredDay]:
    """The days between two (inclusive) that have a trigger in any state, with each definition they had.

    `naming` takes those alone whose definition names one of these instruments.
    """
    instruments = None if naming is None else list(naming)
    rows = await connection.fetch(TRIGGERED_DEFINITIONS, first, last, instruments)
    return [TriggeredDay(row["region"], row["as_of"], definition(row)) for row in rows]


async def any_left(connection: Connection) -> bool:
    """Whether any day has a mark."""
    return bool(await connection.fetchval(ANY_LEFT))


async def take_up(connection: Connection, at_rest: AtRest) -> list[tuple[str, dt.date]]:
    """Delete the marks that their day's newest stored cut covers.

    Returns the (region, as_of) pairs that keep a mark and are at rest.
    """
    topics, partitions = [topic for topic, _ in at_rest.behind], [partition for _, partition in at_rest.behind]
    rows = await connection.fetch(TAKE_UP, at_rest.quiet_since, at_rest.overdue_since, topics, partitions)
    return [(row["region"], row["as_of"]) for row in rows]
