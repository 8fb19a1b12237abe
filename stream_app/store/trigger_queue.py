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
    WHERE region = $1 AND NOT computed AND known_at IS NOT NULL
    ORDER BY log_epoch, log_timestamp_ms, log_partition, log_offset LIMIT $2
"""
REGIONS_WITH_WORK = """
    SELECT region FROM day_triggers WHERE NOT computed AND known_at IS NOT NULL
    UNION SELECT region FROM joint_embedding_revisions WHERE NOT published
    ORDER BY region
"""
MARK_COMPUTED = """
    UPDATE day_triggers t SET computed = true
    FROM unnest($2::date[], $3::int[]) AS u (as_of, number)
    WHERE t.region = $1 AND t.as_of = u.as_of AND t.number = u.number
"""
ADD_REGIONS = "INSERT INTO regions (region) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
LIVE_SINCE = """
    INSERT INTO regions AS r (region, live_since) SELECT unnest($1::text[]), $2
    ON CONFLICT (region) DO UPDATE SET live_since = coalesce(r.live_since, excluded.live_since)
"""
READ_LIVE_SINCE = "SELECT region, live_since FROM regions WHERE live_since IS NOT NULL"
LOCK_REGION = "SELECT 1 FROM regions WHERE region = $1 FOR UPDATE SKIP LOCKED"


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
    """The regions with a trigger to be computed or a context to be published."""
    return [row["region"] for row in await connection.fetch(REGIONS_WITH_WORK)]


async def lock_region(connection: Connection, region: str) -> bool:
    """Lock a region until the transaction ends; False if another computing task has it."""
    return bool(await connection.fetchval(LOCK_REGION, region))


@dataclass(frozen=True, slots=True)
class WaitingTrigger:
    """A trigger to be computed. `learnt`: its cut came from the log alone, so records above it may have been applied
    before it was known here."""

    event: DayTrigger
    known_at: dt.datetime
    learnt: bool


async def waiting(connection: Connection, region: str, limit: int) -> list[WaitingTrigger]:
    """A region's oldest triggers that are to be computed, in the order of the log."""
    rows = await connection.fetch(WAITING, region, limit)
    return [WaitingTrigger(from_row(row).event, row["known_at"], row["learnt"]) for row in rows]


async def mark_computed(connection: Connection, triggers: Sequence[DayTrigger]) -> None:
    """Note that these triggers of one region are computed."""
    days, numbers = [t.as_of for t in triggers], [t.number for t in triggers]
    await connection.execute(MARK_COMPUTED, triggers[0].region, days, numbers)
