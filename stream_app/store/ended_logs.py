"""Going on with another log, or without records that a log has lost: what was applied stays, and is noted."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from stream_app.store import late_marks, progress
from stream_app.store.database import Connection
from stream_app.store.progress import Progress
from stream_app.store.triggers import TriggerKey

LOCK = "SELECT 1 FROM ingest_progress WHERE topic = $1 ORDER BY partition FOR UPDATE"
END = """
    INSERT INTO ended_logs (topic, log_epoch, partition, next_offset)
    SELECT topic, log_epoch, partition, next_offset FROM ingest_progress WHERE topic = $1
"""
NEWEST_DAYS = "SELECT region, max(as_of) AS as_of FROM day_triggers GROUP BY region ORDER BY region"
NOTE_LOST = """
    INSERT INTO lost_records (topic, log_epoch, partition, first_offset, end_offset)
    SELECT topic, log_epoch, partition, next_offset, $3 FROM ingest_progress WHERE topic = $1 AND partition = $2
"""
PASS_LOST = "UPDATE ingest_progress SET next_offset = $3, updated_at = now() WHERE topic = $1 AND partition = $2"
# A trigger that was published to a log that is gone: one that was not read back waits for a copy of it for ever.
PUBLISH_AGAIN = """
    UPDATE day_triggers t SET published = false
    WHERE cut IS NOT NULL AND published AND ($4 OR known_at IS NULL) AND NOT EXISTS (
        SELECT 1 FROM unnest($1::text[], $2::date[], $3::int[]) AS logged (region, as_of, number)
        WHERE logged.region = t.region AND logged.as_of = t.as_of AND logged.number = t.number)
"""
WAITING_CUTS = """
    SELECT region, as_of, cut -> $1 AS of_topic FROM day_triggers
    WHERE NOT computed AND cut ? $1 ORDER BY region, as_of
"""


async def lock(connection: Connection, topic: str) -> list[Progress]:
    """The topic's progress, which nobody moves on until the transaction ends; waits for open chunks."""
    await connection.execute(LOCK, topic)
    return await progress.of_topic(connection, topic)


async def begin_epoch(connection: Connection, topic: str, epoch: int, starts: Sequence[int]) -> None:
    """End the topic's log where it stands, and begin another at these offsets by partition. Needs `lock`."""
    await connection.execute(END, topic)
    await progress.forget(connection, topic)
    for partition, start in enumerate(starts):
        await progress.create(connection, topic, partition, start, len(starts), epoch)


async def mark_newest_days(connection: Connection, topic: str, epoch: int, now: dt.datetime) -> None:
    """Let each region's newest day be amended: that trigger names the epoch in the log, for a database that is emptied.

    `topic` is one that triggers cut.
    """
    days = await connection.fetch(NEWEST_DAYS)
    marks = [late_marks.below_all(row["region"], row["as_of"], topic, epoch) for row in days]
    await late_marks.put(connection, marks, now)


async def pass_lost(connection: Connection, topic: str, partition: int, end: int) -> None:
    """Note that the records from the progress up to `end` were never applied, and go on behind them. Needs `lock`."""
    await connection.execute(NOTE_LOST, topic, partition, end)
    await connection.execute(PASS_LOST, topic, partition, end)


async def publish_triggers_again(connection: Connection, logged: Collection[TriggerKey], *, all_of_them: bool) -> None:
    """Let triggers that are not in the log be sent again: those that were not read back yet, or all."""
    regions, days, numbers = [k.region for k in logged], [k.as_of for k in logged], [k.number for k in logged]
    await connection.execute(PUBLISH_AGAIN, regions, days, numbers, all_of_them)


async def days_beyond(
    connection: Connection, topic: str, epoch: int, at: Mapping[int, int]
) -> dict[str, list[dt.date]]:
    """By region the days of uncomputed triggers whose cut of the topic lies beyond these offsets of this epoch."""
    found: dict[str, set[dt.date]] = {}
    for row in await connection.fetch(WAITING_CUTS, topic):
        cut = row["of_topic"]
        beyond = any(offset > at.get(partition, 0) for partition, offset in enumerate(cut["offsets"]))
        if cut["epoch"] == epoch and beyond:
            found.setdefault(row["region"], set()).add(row["as_of"])
    return {region: sorted(days) for region, days in found.items()}
