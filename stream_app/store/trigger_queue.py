"""Triggers as they come back from the log, wait for their cut to be reached, and are computed in the log's order."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from schemas import DayTrigger
from stream_app.store.database import Connection
from stream_app.store.triggers import COLUMNS, cut_json, from_row

_KEY = ("region", "as_of", "number")
_VALUES = (
    "event_id",
    "closed_at",
    "allow_stale",
    "calendar",
    "instruments",
    "languages",
    "news",
    "news_day",
    "cut",
    "log_epoch",
    "log_timestamp_ms",
    "log_partition",
    "log_offset",
    "known_at",
)
_INCOMING = ", ".join((*_KEY, *_VALUES))

CREATE_INCOMING = f"""
    CREATE TEMP TABLE IF NOT EXISTS incoming_triggers ON COMMIT DELETE ROWS
    AS SELECT {_INCOMING} FROM day_triggers WITH NO DATA
"""
# The first copy in the log is the trigger: it overrules what was made here and not yet read back, and nothing after it.
# Overruled by another cut it counts as learnt: records between the two cuts may have been applied and left no mark.
STORE = f"""
    INSERT INTO day_triggers AS t ({_INCOMING}, published, computed, learnt, created_at)
    SELECT {_INCOMING}, true, false, true, known_at FROM incoming_triggers ORDER BY region, as_of, number
    ON CONFLICT (region, as_of, number) DO UPDATE SET
        {", ".join(f"{column} = excluded.{column}" for column in _VALUES)}, published = true,
        learnt = t.cut IS DISTINCT FROM excluded.cut
    WHERE t.known_at IS NULL
"""
WAITING = f"""
    SELECT {COLUMNS}, learnt FROM day_triggers
    WHERE region = $1 AND NOT computed AND known_at IS NOT NULL AND as_of BETWEEN $2 AND $3
    ORDER BY log_epoch, log_timestamp_ms, log_partition, log_offset LIMIT $4
"""
COUNT_WAITING = """
    SELECT count(*) FROM day_triggers
    WHERE region = ANY($1::text[]) AND NOT computed AND known_at IS NOT NULL AND as_of BETWEEN $2 AND $3
"""
WAITING_DAYS = "SELECT DISTINCT region, as_of FROM day_triggers WHERE NOT computed ORDER BY region, as_of"
# By cut, then day: what was made together is computed together.
NEWEST_COMPUTED = f"""
    SELECT {COLUMNS} FROM (
        SELECT DISTINCT ON (as_of) * FROM day_triggers
        WHERE region = $1 AND computed AND NOT superseded AND as_of BETWEEN $2 AND $3 ORDER BY as_of, number DESC
    ) AS newest
    ORDER BY cut::text, as_of
"""
NEWEST_NUMBERS = """
    SELECT as_of, max(number) AS number FROM day_triggers
    WHERE region = $1 AND computed AND NOT superseded AND as_of = ANY($2::date[]) GROUP BY as_of
"""
COMPUTED_REGIONS = "SELECT DISTINCT region FROM day_triggers WHERE computed ORDER BY region"
REGIONS_WITH_WORK = """
    SELECT region FROM day_triggers WHERE NOT computed AND known_at IS NOT NULL
    UNION SELECT region FROM joint_embedding_revisions WHERE NOT published
    UNION SELECT region FROM regime_transition_revisions WHERE NOT published
    ORDER BY region
"""
MARK_COMPUTED = """
    UPDATE day_triggers t SET computed = true, superseded = $4
    FROM unnest($2::date[], $3::int[]) AS u (as_of, number)
    WHERE t.region = $1 AND t.as_of = u.as_of AND t.number = u.number
"""
ADD_REGIONS = "INSERT INTO regions (region) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
LIVE_SINCE = """
    INSERT INTO regions AS r (region, live_since) SELECT unnest($1::text[]), $2
    ON CONFLICT (region) DO UPDATE SET live_since = coalesce(r.live_since, excluded.live_since)
"""
READ_LIVE_SINCE = "SELECT region, live_since FROM regions WHERE live_since IS NOT NULL"
WAIT_FOR_REGION = "SELECT 1 FROM regions WHERE region = $1 FOR UPDATE"
LOCK_REGION = "SELECT 1 FROM regions WHERE region = $1 FOR UPDATE SKIP LOCKED"


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `first` to `last`, both inclusive."""

    first: dt.date = dt.date.min
    last: dt.date = dt.date.max


EVERY_DAY = Days()


@dataclass(frozen=True, slots=True)
class LoggedTrigger:
    """A trigger read from its topic, with its position."""

    event: DayTrigger
    log_epoch: int
    log_timestamp_ms: int
    log_partition: int
    log_offset: int

    @property
    def known_at(self) -> dt.datetime:
        """The Kafka time of the record."""
        return dt.datetime.fromtimestamp(self.log_timestamp_ms / 1000, dt.UTC)


async def store(connection: Connection, logged: Sequence[LoggedTrigger]) -> None:
    """Store triggers read from the log as waiting, their regions with them; needs an open transaction."""
    first = {(t.event.region, t.event.as_of, t.event.number): t for t in reversed(logged)}
    records = [
        (
            *key,
            t.event.event_id,
            t.event.closed_at,
            t.event.allow_stale,
            t.event.definition.calendar,
            list(t.event.definition.instruments),
            list(t.event.definition.languages),
            t.event.definition.news,
            t.event.definition.news_day,
            cut_json(t.event.cut),
            t.log_epoch,
            t.log_timestamp_ms,
            t.log_partition,
            t.log_offset,
            t.known_at,
        )
        for key, t in first.items()
    ]
    columns = (*_KEY, *_VALUES)
    await connection.execute(ADD_REGIONS, sorted({key[0] for key in first}))
    await connection.execute(CREATE_INCOMING)
    await connection.copy_records_to_table("incoming_triggers", records=records, columns=columns)
    await connection.execute(STORE)


async def go_live(connection: Connection, regions: Sequence[str], now: dt.datetime) -> None:
    """Note when the stage first started with each region; a later start changes nothing."""
    await connection.execute(LIVE_SINCE, list(regions), now)


async def live_since(connection: Connection) -> dict[str, dt.datetime]:
    """When the stage first started with each region."""
    return {row["region"]: row["live_since"] for row in await connection.fetch(READ_LIVE_SINCE)}


async def regions_with_work(connection: Connection) -> list[str]:
    """The regions with a trigger to be computed, or a context or a transition to be published."""
    return [row["region"] for row in await connection.fetch(REGIONS_WITH_WORK)]


async def lock_region(connection: Connection, region: str) -> bool:
    """Lock a region until the transaction ends; False if another computing task has it."""
    return bool(await connection.fetchval(LOCK_REGION, region))


async def wait_for_region(connection: Connection, region: str) -> None:
    """Lock a region until the transaction ends, once no computing task has it."""
    await connection.execute(WAIT_FOR_REGION, region)


@dataclass(frozen=True, slots=True)
class WaitingTrigger:
    """A trigger to be computed. `learnt`: its cut came from the log alone, so records above it may have been applied
    before it was known here."""

    event: DayTrigger
    known_at: dt.datetime
    learnt: bool


async def waiting(connection: Connection, region: str, limit: int, days: Days = EVERY_DAY) -> list[WaitingTrigger]:
    """The oldest triggers of these days of a region that are to be computed, in the order of the log."""
    rows = await connection.fetch(WAITING, region, days.first, days.last, limit)
    return [WaitingTrigger(from_row(row).event, row["known_at"], row["learnt"]) for row in rows]


async def count_waiting(connection: Connection, regions: Sequence[str], days: Days) -> int:
    """How many triggers of these days are to be computed."""
    return int(await connection.fetchval(COUNT_WAITING, list(regions), days.first, days.last))


async def waiting_days(connection: Connection) -> dict[str, list[dt.date]]:
    """Every region's days that have a trigger to be computed, in order."""
    found: dict[str, list[dt.date]] = {}
    for row in await connection.fetch(WAITING_DAYS):
        found.setdefault(row["region"], []).append(row["as_of"])
    return found


async def computed_regions(connection: Connection) -> list[str]:
    """The regions that have a context, or a day that has none for a reason."""
    return [row["region"] for row in await connection.fetch(COMPUTED_REGIONS)]


async def newest_computed(connection: Connection, region: str, days: Days) -> list[WaitingTrigger]:
    """Each day's newest trigger that was computed, those with the same cut together."""
    rows = await connection.fetch(NEWEST_COMPUTED, region, days.first, days.last)
    return [WaitingTrigger(from_row(row).event, row["known_at"], learnt=False) for row in rows]


async def newest_numbers(connection: Connection, region: str, days: Sequence[dt.date]) -> dict[dt.date, int]:
    """The number of each day's newest trigger that was computed."""
    return {row["as_of"]: row["number"] for row in await connection.fetch(NEWEST_NUMBERS, region, list(days))}


async def mark_computed(connection: Connection, triggers: Sequence[DayTrigger], *, superseded: bool = False) -> None:
    """Note that these triggers of one region are computed, or that none of them can be and another one takes over."""
    days, numbers = [t.as_of for t in triggers], [t.number for t in triggers]
    await connection.execute(MARK_COMPUTED, triggers[0].region, days, numbers, superseded)
