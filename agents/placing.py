"""Where a chunk's records stand: which are already applied, which are new, and each one's position in the log."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from schemas import Codec, DeadLetter, Rejected, event_id
from stream_app.kafka.chunks import Chunk, Record
from stream_app.store.dead_letters import letter_time
from stream_app.store.progress import Progress

Event = TypeVar("Event")

Check = Callable[[Event, int], Rejected | None]
"""Why an event cannot be used, if so, given its record's own Kafka time in milliseconds."""


@dataclass(frozen=True, slots=True)
class Placed(Generic[Event]):
    """An event with its record's position (`log_timestamp_ms` never lower than its predecessor's)."""

    event: Event
    log_epoch: int
    log_timestamp_ms: int
    log_partition: int
    log_offset: int

    @property
    def position(self) -> tuple[int, int, int, int]:
        """The position's columns, in the order of the tables."""
        return self.log_epoch, self.log_timestamp_ms, self.log_partition, self.log_offset


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Event]):
    """A chunk told apart: events to apply, events applied before that are only published again, and dead letters."""

    was: Progress
    now: Progress
    fresh: list[Placed[Event]]
    applied: list[Placed[Event]]
    letters: list[DeadLetter]


def checksum(record: Record) -> int:
    """crc32 over a record's key and value, by which a recreated topic is noticed."""
    return zlib.crc32(record.value or b"", zlib.crc32(record.key or b""))


def decode(
    chunk: Chunk,
    was: Progress,
    codec: Codec[Event],
    key_of: str,
    check: Check[Event],
) -> Decoded[Event]:
    """Decode a chunk against its partition's progress.

    `key_of` names the field that the record's key must equal; `check` may reject what decodes.
    """
    raw = np.array([record.timestamp for record in chunk.records], dtype=np.int64)
    position_ms = np.maximum.accumulate(np.maximum(raw, was.position_ms)).tolist()
    fresh: list[Placed[Event]] = []
    applied: list[Placed[Event]] = []
    letters: list[DeadLetter] = []
    for record, timestamp_ms in zip(chunk.records, position_ms, strict=True):
        event = _decode_one(record, codec, key_of, check)
        is_new = record.offset >= was.next_offset
        if not isinstance(event, Rejected):
            placed = Placed(event, was.log_epoch, timestamp_ms, chunk.partition, record.offset)
            (fresh if is_new else applied).append(placed)
        elif is_new:
            letters.append(dead_letter(chunk, record, was.log_epoch, event))
    return Decoded(was, moved_on(was, chunk.records, position_ms[-1]), fresh, applied, letters)


def _decode_one(record: Record, codec: Codec[Event], key_of: str, check: Check[Event]) -> Event | Rejected:
    event = codec.decode(record.value)
    if isinstance(event, Rejected):
        return event
    if record.key is None:
        return Rejected("no-key", f"the record has no key; it must be the {key_of}")
    if record.key != getattr(event, key_of).encode():
        return Rejected("key-differs", f"the record's key is not its {key_of}")
    return check(event, record.timestamp) or event


def moved_on(was: Progress, records: Sequence[Record], position_ms: int) -> Progress:
    """The progress after these records; what was applied before does not move it back."""
    last = records[-1]
    if last.offset < was.next_offset:
        return was
    return replace(
        was,
        next_offset=last.offset + 1,
        last_offset=last.offset,
        last_timestamp_ms=last.timestamp,
        last_checksum=checksum(last),
        position_ms=position_ms,
    )


def dead_letter(chunk: Chunk, record: Record, log_epoch: int, rejected: Rejected) -> DeadLetter:
    """The dead letter of a record that cannot be used."""
    return DeadLetter(
        event_id=event_id("dead-letter", chunk.topic, log_epoch, chunk.partition, record.offset),
        topic=chunk.topic,
        log_epoch=log_epoch,
        partition=chunk.partition,
        offset=record.offset,
        timestamp=letter_time(record.timestamp),
        key=record.key,
        value=record.value,
        reason=rejected.reason,
        error=rejected.error,
    )
