"""Triggers: a day closes or is amended. Made here without a cut, then given one, published, and read back."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas import DayAmended, DayTrigger, Definition, RegionDayClosed, TopicCut, event_id
from stream_app.store.database import Connection

_DEFINITION = ("calendar", "instruments", "languages", "news", "news_day")
COLUMNS = ", ".join(
    ("region", "as_of", "number", "event_id", "closed_at", "allow_stale", *_DEFINITION, "cut", "known_at")
)

MAKE = """
    INSERT INTO day_triggers
        (region, as_of, number, event_id, closed_at, allow_stale, calendar, instruments, languages, news, news_day,
        created_at)
    SELECT $1, as_of, number, event_id, closed_at, allow_stale, $7, $8, $9, $10, $11, $12
    FROM unnest($2::date[], $3::int[], $4::text[], $5::timestamptz[], $6::boolean[])
        AS u (as_of, number, event_id, closed_at, allow_stale)
    ON CONFLICT DO NOTHING
    RETURNING as_of
"""
WITHOUT_CUT = "SELECT region, as_of, number FROM day_triggers WHERE cut IS NULL"
GIVE_CUT = """
    UPDATE day_triggers t SET cut = $4
    FROM unnest($1::text[], $2::date[], $3::int[]) AS u (region, as_of, number)
    WHERE t.region = u.region AND t.as_of = u.as_of AND t.number = u.number AND t.cut IS NULL
"""
UNPUBLISHED = f"""
    SELECT {COLUMNS} FROM day_triggers
    WHERE NOT published AND cut IS NOT NULL ORDER BY region, as_of, number LIMIT $1
"""
MARK_PUBLISHED = """
    UPDATE day_triggers t SET published = true
    FROM unnest($1::text[], $2::date[], $3::int[]) AS u (region, as_of, number)
    WHERE t.region = u.region AND t.as_of = u.as_of AND t.number = u.number
"""
KNOWN = """
    SELECT count(DISTINCT (region, as_of, number)) FROM day_triggers
    JOIN unnest($1::text[], $2::date[], $3::int[]) AS u (region, as_of, number) USING (region, as_of, number)
"""
NEWEST = f"""
    SELECT DISTINCT ON (region, as_of) {COLUMNS}, created_at FROM day_triggers
    WHERE region = $1 AND as_of = ANY($2::date[]) ORDER BY region, as_of, number DESC
"""
TRIGGERED_DAYS = "SELECT DISTINCT as_of FROM day_triggers WHERE region = $1 AND as_of BETWEEN $2 AND $3"
UNFINISHED = """
    SELECT count(*) FROM day_triggers WHERE region = $1 AND as_of = ANY($2::date[]) AND NOT computed
"""


@dataclass(frozen=True, slots=True)
class NewTrigger:
    """A trigger to be made: its day, its number among the day's, the scheduled close plus grace, its allowance."""

    as_of: dt.date
    number: int
    closed_at: dt.datetime
    allow_stale: bool


@dataclass(frozen=True, slots=True)
class TriggerKey:
    """Which trigger."""

    region: str
    as_of: dt.date
    number: int


@dataclass(frozen=True, slots=True)
class StoredTrigger:
    """A trigger with the Kafka time of its first copy (None: not yet read back from the log)."""

    event: DayTrigger
    known_at: dt.datetime | None


def trigger_id(region: str, as_of: dt.date, number: int) -> str:
    """The event_id: a hash of region, day, kind and number."""
    return event_id(region, as_of, "close" if number == 1 else "amend", number)


def cut_json(cut: Mapping[str, TopicCut]) -> dict[str, Any]:
    """A cut as the column holds it."""
    return {topic: {"epoch": part.epoch, "offsets": list(part.offsets)} for topic, part in cut.items()}


def definition(row: Any) -> Definition:
    """The region's definition from a row that has its columns."""
    return Definition(
        calendar=row["calendar"],
        instruments=tuple(row["instruments"]),
        languages=tuple(row["languages"]),
        news=row["news"],
        news_day=row["news_day"],
    )


def from_row(row: Any) -> StoredTrigger:
    """A trigger from a row of `COLUMNS`."""
    kind = RegionDayClosed if row["number"] == 1 else DayAmended
    cut = {name: TopicCut(epoch=c["epoch"], offsets=tuple(c["offsets"])) for name, c in (row["cut"] or {}).items()}
    event = kind(
        event_id=row["event_id"],
        region=row["region"],
        as_of=row["as_of"],
        number=row["number"],
        closed_at=row["closed_at"],
        cut=cut,
        definition=definition(row),
        allow_stale=row["allow_stale"],
    )
    return StoredTrigger(event, row["known_at"])


async def make(
    connection: Connection, region: str, definition: Definition, new: Sequence[NewTrigger], now: dt.datetime
) -> set[dt.date]:
    """Insert triggers without a cut; returns the days that were not taken by another's trigger of that number."""
    rows = await connection.fetch(
        MAKE,
        region,
        [trigger.as_of for trigger in new],
        [trigger.number for trigger in new],
        [trigger_id(region, trigger.as_of, trigger.number) for trigger in new],
        [trigger.closed_at for trigger in new],
        [trigger.allow_stale for trigger in new],
        definition.calendar,
        list(definition.instruments),
        list(definition.languages),
        definition.news,
        definition.news_day,
        now,
    )
    return {row["as_of"] for row in rows}


async def without_cut(connection: Connection) -> list[TriggerKey]:
    """The committed triggers that wait for their cut."""
    return [TriggerKey(*row) for row in await connection.fetch(WITHOUT_CUT)]


async def give_cut(connection: Connection, keys: Sequence[TriggerKey], cut: Mapping[str, TopicCut]) -> None:
    """Give these triggers a cut whose offsets were read after they were committed; the first cut given stays."""
    await connection.execute(
        GIVE_CUT, [k.region for k in keys], [k.as_of for k in keys], [k.number for k in keys], cut_json(cut)
    )


async def unpublished(connection: Connection, limit: int) -> list[StoredTrigger]:
    """Triggers with a cut that were not yet sent, in the order in which they must be sent."""
    return [from_row(row) for row in await connection.fetch(UNPUBLISHED, limit)]


async def mark_published(connection: Connection, sent: Sequence[StoredTrigger]) -> None:
    """Note that these are on the topic."""
    events = [trigger.event for trigger in sent]
    await connection.execute(
        MARK_PUBLISHED, [e.region for e in events], [e.as_of for e in events], [e.number for e in events]
    )


@dataclass(frozen=True, slots=True)
class NewestTrigger:
    """A day's newest trigger and when it was made, by the clock of the closer (from the log: by Kafka's)."""

    trigger: StoredTrigger
    created_at: dt.datetime


async def newest(connection: Connection, region: str, days: Sequence[dt.date]) -> dict[dt.date, NewestTrigger]:
    """The newest trigger of each of a region's days; a day without one is not in the result."""
    rows = await connection.fetch(NEWEST, region, list(days))
    return {row["as_of"]: NewestTrigger(from_row(row), row["created_at"]) for row in rows}


async def unknown(connection: Connection, keys: Sequence[TriggerKey]) -> int:
    """How many of these triggers are not in the database."""
    if not keys:
        return 0
    found = await connection.fetchval(
        KNOWN, [k.region for k in keys], [k.as_of for k in keys], [k.number for k in keys]
    )
    return len(set(keys)) - int(found)


async def triggered_days(connection: Connection, region: str, first: dt.date, last: dt.date) -> set[dt.date]:
    """The days between two (inclusive) that have a trigger in any state."""
    return {row["as_of"] for row in await connection.fetch(TRIGGERED_DAYS, region, first, last)}


async def unfinished(connection: Connection, region: str, days: Sequence[dt.date]) -> int:
    """How many triggers of these days are still to be computed."""
    return int(await connection.fetchval(UNFINISHED, region, list(days)))
