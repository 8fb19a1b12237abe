"""Where a chunk's records stand: which are already applied, which are new, and each one's position in the log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from schemas import Codec, DeadLetter, OriginPosition, Rejected, event_id
from schemas.origins import BAD_ORIGIN, ORIGIN_HEADER, named_origin, unfit_origin
from stream_app.kafka.chunks import Chunk, Record, checksum
from stream_app.store.dead_letters import Letter, letter_time
from stream_app.store.handled_letters import Returned
from stream_app.store.progress import Progress

Event = TypeVar("Event")

Check = Callable[[Event, int], Rejected | None]
"""Why an event cannot be used, if so, given its record's own Kafka time in milliseconds."""
Position = tuple[int, int, int, int]
"""Log epoch, timestamp in milliseconds, partition and offset."""
Row = tuple[object, ...]
"""A version as its table's columns."""


@dataclass(frozen=True, slots=True)
class Records(Generic[Event]):
    """What a topic's records must be.

    `key_of` names the field that the record's key must equal; `check` may reject what decodes. Where a record means
    something at its own place alone, `sent_again` is false, and one that names an origin is rejected.
    """

    codec: Codec[Event]
    key_of: str
    check: Check[Event]
    sent_again: bool = True


@dataclass(frozen=True, slots=True)
class Placed(Generic[Event]):
    """An event with its record's position (`log_timestamp_ms` never lower than its predecessor's).

    `origin` is where its record first stood, if it was sent again.
    """

    event: Event
    log_epoch: int
    log_timestamp_ms: int
    log_partition: int
    log_offset: int
    origin: OriginPosition | None = None

    @property
    def position(self) -> Position:
        """The position's columns, in the order of the tables. Cuts and lateness go by it."""
        return self.log_epoch, self.log_timestamp_ms, self.log_partition, self.log_offset

    @property
    def first_position(self) -> Position:
        """The position of the record's original, which is its own if it was not sent again. Versions go by it."""
        first = self.origin
        return self.position if first is None else (first.log_epoch, first.timestamp_ms, first.partition, first.offset)


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Event]):
    """A chunk told apart: events to apply, events applied before that are only published again, and dead letters.

    `returned` are the new records of both kinds that were sent again.
    """

    was: Progress
    now: Progress
    fresh: list[Placed[Event]]
    applied: list[Placed[Event]]
    letters: list[Letter]
    returned: list[Returned]

    @property
    def new_letters(self) -> list[DeadLetter]:
        """The dead letters as they are published."""
        return [letter.event for letter in self.letters]

    def countable(self, chunk: Chunk) -> tuple[list[int], set[int]]:
        """The offsets of the chunk's new records that the limits count, and those of them that are rejected.

        A record that was sent again and is rejected again is left out: it says nothing of what the feed sends now.
        """
        rejected = {letter.event.offset: letter.event.origin is not None for letter in self.letters}
        new = [record.offset for record in chunk.records if record.offset >= self.was.next_offset]
        counted = [offset for offset in new if not rejected.get(offset, False)]
        return counted, rejected.keys() & set(counted)


def decode(chunk: Chunk, was: Progress, kind: Records[Event]) -> Decoded[Event]:
    """Decode a chunk against its partition's progress."""
    raw = np.array([record.timestamp for record in chunk.records], dtype=np.int64)
    position_ms = np.maximum.accumulate(np.maximum(raw, was.position_ms)).tolist()
    found: Decoded[Event] = Decoded(was, moved_on(was, chunk.records, position_ms[-1]), [], [], [], [])
    for record, timestamp_ms in zip(chunk.records, position_ms, strict=True):
        position = (was.log_epoch, timestamp_ms, chunk.partition, record.offset)
        event = _event(record, kind)
        origin: OriginPosition | None = None
        if record.headers:  # which most records have none of
            named = _origin(record, position, kind)
            if isinstance(named, Rejected):
                event = named
            else:
                origin = named
        is_new = record.offset >= was.next_offset
        if not isinstance(event, Rejected):
            (found.fresh if is_new else found.applied).append(Placed(event, *position, origin))
        elif is_new:
            found.letters.append(dead_letter(chunk.topic, record, position, event, origin))
        if is_new and origin is not None:
            found.returned.append(Returned(origin, was.log_epoch, record.offset, letter_time(timestamp_ms)))
    return found


def _origin(record: Record, position: Position, kind: Records[Any]) -> OriginPosition | Rejected | None:
    """Where a record that was sent again first stood, or why it cannot have stood there."""
    origin = named_origin(record.headers)
    if not isinstance(origin, OriginPosition):
        return origin
    if not kind.sent_again:
        return Rejected(BAD_ORIGIN, f"it has the header {ORIGIN_HEADER}, but these records are never sent again")
    return unfit_origin(origin, place_of(record, position)) or origin


def _event(record: Record, kind: Records[Event]) -> Event | Rejected:
    event = kind.codec.decode(record.value)
    if isinstance(event, Rejected):
        return event
    if record.key is None:
        return Rejected("no-key", f"the record has no key; it must be the {kind.key_of}")
    if record.key != getattr(event, kind.key_of).encode():
        return Rejected("key-differs", f"the record's key is not its {kind.key_of}")
    return kind.check(event, record.timestamp) or event


def place_of(record: Record, position: Position) -> OriginPosition:
    """A record's own place, as a header would name it."""
    log_epoch, timestamp_ms, partition, offset = position
    return OriginPosition(
        log_epoch=log_epoch, timestamp_ms=timestamp_ms, partition=partition, offset=offset, checksum=checksum(record)
    )


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


def by_first_position(placed: Sequence[Placed[Event]]) -> Sequence[Placed[Event]]:
    """The events in the order of their versions, which is the log's unless some were sent again."""
    if not [each for each in placed if each.origin is not None]:
        return placed
    return sorted(placed, key=lambda each: (each.first_position, each.position))


def rows_of(placed: Sequence[Placed[Event]], row: Callable[[Placed[Event]], Row]) -> tuple[list[Row], list[Row]]:
    """The table's rows, those of records that were sent again apart, which tell where they first stood as well."""
    rows = [row(each) for each in placed if each.origin is None]
    return rows, [(*row(each), *each.first_position) for each in placed if each.origin is not None]


def dead_letter(
    topic: str, record: Record, position: Position, rejected: Rejected, origin: OriginPosition | None
) -> Letter:
    """The dead letter of a record that cannot be used."""
    log_epoch, timestamp_ms, partition, offset = position
    letter = DeadLetter(
        event_id=event_id("dead-letter", topic, log_epoch, partition, offset),
        topic=topic,
        log_epoch=log_epoch,
        partition=partition,
        offset=offset,
        timestamp=letter_time(record.timestamp),
        key=record.key,
        value=record.value,
        reason=rejected.reason,
        error=rejected.error,
        origin=origin,
    )
    return Letter(letter, timestamp_ms)
