"""Dead letters: records that could not be used, whole, until they are published."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from schemas import DeadLetter
from stream_app.store.database import Connection

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

PUT = """
    INSERT INTO dead_letters
        (topic, log_epoch, partition, log_offset, log_timestamp_ms, event_id, key, value, reason, error)
    SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[],
        $8::bytea[], $9::text[], $10::text[])
    ON CONFLICT DO NOTHING
"""
UNPUBLISHED = """
    SELECT topic, log_epoch, partition, log_offset, log_timestamp_ms, event_id, key, value, reason, error
    FROM dead_letters WHERE NOT published AND topic = $1 AND created_at <= now() - make_interval(secs => $2)
    ORDER BY partition, log_offset LIMIT $3
"""
MARK_PUBLISHED = """
    UPDATE dead_letters d SET published = true
    FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[]) AS u (topic, log_epoch, partition, log_offset)
    WHERE d.topic = u.topic AND d.log_epoch = u.log_epoch AND d.partition = u.partition
        AND d.log_offset = u.log_offset
"""


def letter_time(timestamp_ms: int) -> dt.datetime:
    """A record's Kafka time, aware, in UTC."""
    return EPOCH + dt.timedelta(milliseconds=timestamp_ms)


def _from_row(row: Any) -> DeadLetter:
    return DeadLetter(
        event_id=row["event_id"],
        topic=row["topic"],
        log_epoch=row["log_epoch"],
        partition=row["partition"],
        offset=row["log_offset"],
        timestamp=letter_time(row["log_timestamp_ms"]),
        key=row["key"],
        value=row["value"],
        reason=row["reason"],
        error=row["error"],
    )


async def put(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Store dead letters, not yet published; one that is there already stays as it is."""
    if letters:
        await connection.execute(
            PUT,
            [letter.topic for letter in letters],
            [letter.log_epoch for letter in letters],
            [letter.partition for letter in letters],
            [letter.offset for letter in letters],
            [(letter.timestamp - EPOCH) // dt.timedelta(milliseconds=1) for letter in letters],
            [letter.event_id for letter in letters],
            [letter.key for letter in letters],
            [letter.value for letter in letters],
            [letter.reason for letter in letters],
            # Postgres text holds no NUL; an error may quote one.
            [letter.error.replace("\x00", "�") for letter in letters],
        )


async def unpublished(connection: Connection, topic: str, age_seconds: float, limit: int) -> list[DeadLetter]:
    """A topic's dead letters of at least that age that were not yet sent, in its order."""
    return [_from_row(row) for row in await connection.fetch(UNPUBLISHED, topic, age_seconds, limit)]


async def mark_published(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Note that these are on the topic."""
    await connection.execute(
        MARK_PUBLISHED,
        [letter.topic for letter in letters],
        [letter.log_epoch for letter in letters],
        [letter.partition for letter in letters],
        [letter.offset for letter in letters],
    )
