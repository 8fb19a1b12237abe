"""Dead letters: records that could not be used, whole, until they are published."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from schemas import DeadLetter
from stream_app.store.database import Connection

PUT = """
    INSERT INTO dead_letters
        (topic, log_epoch, partition, log_offset, log_timestamp_ms, event_id, key, value, reason, error)
    SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[],
        $8::bytea[], $9::text[], $10::text[])
    ON CONFLICT DO NOTHING
"""
UNPUBLISHED = """
    SELECT topic, log_epoch, partition, log_offset, log_timestamp_ms, event_id, key, value, reason, error
    FROM dead_letters WHERE NOT published ORDER BY topic, partition, log_offset LIMIT $1
"""
MARK_PUBLISHED = """
    UPDATE dead_letters d SET published = true
    FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[]) AS u (topic, log_epoch, partition, log_offset)
    WHERE d.topic = u.topic AND d.log_epoch = u.log_epoch AND d.partition = u.partition
        AND d.log_offset = u.log_offset
"""


def _from_row(row: Any) -> DeadLetter:
    return DeadLetter(
        event_id=row["event_id"],
        topic=row["topic"],
        log_epoch=row["log_epoch"],
        partition=row["partition"],
        offset=row["log_offset"],
        timestamp=dt.datetime.fromtimestamp(row["log_timestamp_ms"] / 1000, dt.UTC),
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
            [round(letter.timestamp.timestamp() * 1000) for letter in letters],
            [letter.event_id for letter in letters],
            [letter.key for letter in letters],
            [letter.value for letter in letters],
            [letter.reason for letter in letters],
            # Postgres text holds no NUL; an error may quote one.
            [letter.error.replace("\x00", "�") for letter in letters],
        )


async def unpublished(connection: Connection, limit: int) -> list[DeadLetter]:
    """Dead letters that were not yet sent, in the order of their topics."""
    return [_from_row(row) for row in await connection.fetch(UNPUBLISHED, limit)]


async def mark_published(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Note that these are on the topic."""
    await connection.execute(
        MARK_PUBLISHED,
        [letter.topic for letter in letters],
        [letter.log_epoch for letter in letters],
        [letter.partition for letter in letters],
        [letter.offset for letter in letters],
    )
