"""Dead letters: records that could not be used, whole, until they are published."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas import DeadLetter, OriginPosition
from schemas.origins import checksum
from stream_app.store.database import Connection
from stream_app.store.places import ORIGIN_COLUMNS

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

COLUMNS = ", ".join(
    (
        *("topic", "log_epoch", "partition", "log_offset", "log_timestamp_ms"),
        *("event_id", "key", "value", "reason", "error", "position_ms", *ORIGIN_COLUMNS),
    )
)
PUT = f"""
    INSERT INTO dead_letters ({COLUMNS})
    SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[],
        $8::bytea[], $9::text[], $10::text[], $11::bigint[], $12::int[], $13::bigint[], $14::int[], $15::bigint[])
    ON CONFLICT DO NOTHING
"""
UNPUBLISHED = f"""
    SELECT {COLUMNS}
    FROM dead_letters WHERE NOT published AND topic = $1 AND created_at <= now() - make_interval(secs => $2)
    ORDER BY partition, log_offset LIMIT $3
"""
MARK_PUBLISHED = """
    UPDATE dead_letters d SET published = true
    FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[]) AS u (topic, log_epoch, partition, log_offset)
    WHERE d.topic = u.topic AND d.log_epoch = u.log_epoch AND d.partition = u.partition
        AND d.log_offset = u.log_offset
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter and the time of its record's position: Kafka's, never lower than its predecessor's."""

    event: DeadLetter
    position_ms: int

    @property
    def place(self) -> tuple[str, int, int, int]:
        """Topic on the wire, log epoch, partition and offset of its record."""
        letter = self.event
        return letter.topic, letter.log_epoch, letter.partition, letter.offset

    @property
    def origin(self) -> OriginPosition:
        """The place that its record has when it is sent again: that of the first one, if it was sent again before."""
        letter = self.event
        return letter.origin or OriginPosition(
            log_epoch=letter.log_epoch,
            timestamp_ms=self.position_ms,
            partition=letter.partition,
            offset=letter.offset,
            checksum=checksum(letter.key, letter.value),
        )


def letter_time(timestamp_ms: int) -> dt.datetime:
    """A record's Kafka time, aware, in UTC."""
    return EPOCH + dt.timedelta(milliseconds=timestamp_ms)


def time_ms(time: dt.datetime) -> int:
    """An aware time in Kafka's milliseconds."""
    return (time - EPOCH) // dt.timedelta(milliseconds=1)


def from_row(row: Any) -> Letter:
    """A letter from a row of `COLUMNS`."""
    origin = None
    if row["origin_epoch"] is not None:
        origin = OriginPosition(
            log_epoch=row["origin_epoch"],
            timestamp_ms=row["origin_timestamp_ms"],
            partition=row["origin_partition"],
            offset=row["origin_offset"],
            checksum=checksum(row["key"], row["value"]),
        )
    letter = DeadLetter(
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
        origin=origin,
    )
    return Letter(letter, row["position_ms"])


async def put(connection: Connection, letters: Sequence[Letter]) -> None:
    """Store dead letters, not yet published; one that is there already stays as it is."""
    if not letters:
        return
    events = [letter.event for letter in letters]
    origins = [event.origin for event in events]
    await connection.execute(
        PUT,
        [event.topic for event in events],
        [event.log_epoch for event in events],
        [event.partition for event in events],
        [event.offset for event in events],
        [time_ms(event.timestamp) for event in events],
        [event.event_id for event in events],
        [event.key for event in events],
        [event.value for event in events],
        [event.reason for event in events],
        # Postgres text holds no NUL; an error may quote one.
        [event.error.replace("\x00", "�") for event in events],
        [letter.position_ms for letter in letters],
        [None if origin is None else origin.log_epoch for origin in origins],
        [None if origin is None else origin.timestamp_ms for origin in origins],
        [None if origin is None else origin.partition for origin in origins],
        [None if origin is None else origin.offset for origin in origins],
    )


async def unpublished(connection: Connection, topic: str, age_seconds: float, limit: int) -> list[DeadLetter]:
    """A topic's dead letters of at least that age that were not yet sent, in its order."""
    return [from_row(row).event for row in await connection.fetch(UNPUBLISHED, topic, age_seconds, limit)]


async def mark_published(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Note that these are on the topic."""
    await connection.execute(
        MARK_PUBLISHED,
        [letter.topic for letter in letters],
        [letter.log_epoch for letter in letters],
        [letter.partition for letter in letters],
        [letter.offset for letter in letters],
    )
