"""Late marks: a record touched a day that already has a trigger. The closer amends the days that keep a mark."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from schemas import Definition
from stream_app.store.database import Connection

PUT = """
    INSERT INTO late_marks AS m (region, as_of, topic, partition, log_epoch, log_offset)
    SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::int[], $5::int[], $6::bigint[])
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (region, as_of, topic, partition) DO UPDATE
    SET log_epoch = excluded.log_epoch, log_offset = excluded.log_offset
    WHERE (excluded.log_epoch, excluded.log_offset) > (m.log_epoch, m.log_offset)
"""
TOUCHED_BY_PRICES = """
    SELECT t.region, t.as_of, max(u.log_offset)
    FROM unnest($1::text[], $2::date[], $3::date[], $4::bigint[]) AS u (instrument_id, first, last, log_offset)
    JOIN (
        SELECT DISTINCT region, as_of, instruments FROM day_triggers WHERE as_of BETWEEN $5 AND $6
    ) AS t ON t.as_of BETWEEN u.first AND u.last AND u.instrument_id = ANY(t.instruments)
    GROUP BY t.region, t.as_of
"""
TRIGGERED_DEFINITIONS = """
    SELECT DISTINCT region, as_of, calendar, instruments, languages, news, news_day
    FROM day_triggers WHERE as_of BETWEEN $1 AND $2 ORDER BY as_of
"""
DROP_BELOW_CUT = """
    DELETE FROM late_marks m USING (
        SELECT DISTINCT ON (region, as_of) region, as_of, cut FROM day_triggers t
        WHERE cut IS NOT NULL AND EXISTS (SELECT 1 FROM late_marks l WHERE l.region = t.region AND l.as_of = t.as_of)
        ORDER BY region, as_of, number DESC
    ) AS newest
    WHERE m.region = newest.region AND m.as_of = newest.as_of AND (
        m.log_epoch < (newest.cut -> m.topic ->> 'epoch')::int
        OR m.log_epoch = (newest.cut -> m.topic ->> 'epoch')::int
            AND m.log_offset < (newest.cut -> m.topic -> 'offsets' ->> m.partition)::bigint)
"""
MARKED_DAYS = "SELECT DISTINCT region, as_of FROM late_marks ORDER BY region, as_of"


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


@dataclass(frozen=True, slots=True)
class TouchedByPrice:
    """A price's reach: the as_of days from `first` to `last` whose window may hold it."""

    instrument_id: str
    first: dt.date
    last: dt.date
    log_offset: int


@dataclass(frozen=True, slots=True)
class TriggeredDay:
    """A day with a trigger, and what the region was then."""

    region: str
    as_of: dt.date
    definition: Definition


async def put(connection: Connection, marks: Sequence[Mark]) -> None:
    """Add marks; of several at one place of a day the newest stays."""
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
        )


async def latest_triggered_day(connection: Connection) -> dt.date | None:
    """The latest day of any region that has a trigger; only what reaches back to it can be late."""
    latest: dt.date | None = await connection.fetchval(LATEST_TRIGGERED)
    return latest


async def touched_by_prices(
    connection: Connection, touched: Sequence[TouchedByPrice]
) -> list[tuple[str, dt.date, int]]:
    """The triggered days that prices touch: (region, as_of, newest offset)."""
    if not touched:
        return []
    rows = await connection.fetch(
        TOUCHED_BY_PRICES,
        [t.instrument_id for t in touched],
        [t.first for t in touched],
        [t.last for t in touched],
        [t.log_offset for t in touched],
        min(t.first for t in touched),
        max(t.last for t in touched),
    )
    return [tuple(row) for row in rows]


async def triggered_days(connection: Connection, first: dt.date, last: dt.date) -> list[TriggeredDay]:
    """The days between two (inclusive) that have a trigger in any state, with each definition they had."""
    rows = await connection.fetch(TRIGGERED_DEFINITIONS, first, last)
    return [
        TriggeredDay(
            row["region"],
            row["as_of"],
            Definition(
                calendar=row["calendar"],
                instruments=tuple(row["instruments"]),
                languages=tuple(row["languages"]),
                news=row["news"],
                news_day=row["news_day"],
            ),
        )
        for row in rows
    ]


async def drop_below_cut(connection: Connection) -> None:
    """Delete the marks that their day's newest stored cut already covers."""
    await connection.execute(DROP_BELOW_CUT)


async def marked_days(connection: Connection) -> list[tuple[str, dt.date]]:
    """The (region, as_of) pairs that keep a mark."""
    return [(row["region"], row["as_of"]) for row in await connection.fetch(MARKED_DAYS)]
