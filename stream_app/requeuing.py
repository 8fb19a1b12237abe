"""Sending the records of dead letters again: the original bytes, and a header that says where they first stood.

A letter is marked when its record is on the topic. Whoever dies in between leaves a record that marks the letter as
soon as a worker reads it, so before anything is sent, what no worker has read yet is looked through for such records.
Should one be sent twice all the same, it is a second version at the same place with the same content: nothing changes.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import accumulate

from schemas import OriginPosition, encode
from schemas.origins import ORIGIN_HEADER, checksum, named_origin
from schemas.topics import DAY_CLOSES, NEWS, PRICES, RECORD_MAX_BYTES
from stream_app.errors import Fatal, UsageError
from stream_app.failpoints import failpoint
from stream_app.kafka.chunks import Record
from stream_app.kafka.producing import Outgoing
from stream_app.outage import while_away
from stream_app.services import Services
from stream_app.store import handled_letters, process_lock, progress
from stream_app.store.database import connection, transaction
from stream_app.store.dead_letters import Letter, letter_time
from stream_app.store.handled_letters import FIRST, Choice, LetterName, Returned, Sized
from stream_app.store.process_lock import ProcessLock

BATCH_LETTERS = 500
BATCH_BYTES = 4 * 1024 * 1024
"""Sent at a time, a single letter at least."""
KEY_MAX_BYTES = 1024
"""More than the 200 characters that any key has."""
SENT_MAX_BYTES = RECORD_MAX_BYTES + KEY_MAX_BYTES
"""A larger record can never be used, and its topic may not take it."""


LETTER_TOPICS = (PRICES.name, NEWS.name, DAY_CLOSES.name)
"""What is read as records, each of which may become a letter."""
REQUEUED_TOPICS = (PRICES.name, NEWS.name)
"""A trigger is not sent again: computed after a newer one of its day, an older cut would have the last word."""


@dataclass(slots=True)
class Requeued:
    """What was sent again, by topic (on the wire) and reason, and how many letters were too large for that."""

    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    too_large: int = 0


async def requeue(services: Services, choice: Choice) -> Requeued:
    """Send the records of the chosen letters again. UsageError while another process does so on this database.

    Letters that come meanwhile are left, so that what is rejected again is not sent again.
    """
    async with _alone(services):
        for topic in choice.topics:
            await _note_returned(services, topic)
        partitions = {topic: len(await services.log.end_offsets(topic)) for topic in choice.topics}
        async with connection(services.pool) as conn:
            before = await handled_letters.now(conn)
        done, after = Requeued(), FIRST
        while True:
            async with connection(services.pool) as conn:
                found = await handled_letters.following(conn, choice, before, after, BATCH_LETTERS)
            if not found:
                return done
            batch = fitting(found)
            after = batch[-1].name
            await _send(services, [each for each in batch if each.size_bytes <= SENT_MAX_BYTES], partitions, done)
            done.too_large += sum(each.size_bytes > SENT_MAX_BYTES for each in batch)


def fitting(found: Sequence[Sized]) -> Sequence[Sized]:
    """The first of the letters, as many as fit into a batch; one at least. Those that are not sent weigh nothing."""
    weights = accumulate(each.size_bytes if each.size_bytes <= SENT_MAX_BYTES else 0 for each in found)
    return found[: max(1, sum(weight <= BATCH_BYTES for weight in weights))]


async def _send(services: Services, batch: Sequence[Sized], partitions: dict[str, int], done: Requeued) -> None:
    if not batch:
        return
    names = [each.name for each in batch]
    async with connection(services.pool) as conn:
        letters = [letter for letter, _ in await handled_letters.read(conn, names)]
    await services.publisher.publish([_outgoing(letter, partitions[letter.event.topic]) for letter in letters])
    failpoint("letters-sent")
    await while_away(lambda: _mark(services, names))
    done.sent.update((letter.event.topic, letter.event.reason) for letter in letters)


async def _mark(services: Services, names: Sequence[LetterName]) -> None:
    async with transaction(services.pool) as conn:
        await handled_letters.mark_requeued(conn, names)


def _outgoing(letter: Letter, partitions: int) -> Outgoing:
    """The record, to the partition where it was, unless that was one of a log that had more of them."""
    event = letter.event
    return Outgoing(
        topic=event.topic,
        key=event.key,
        value=event.value,
        partition_key=event.key or b"",
        headers=[(ORIGIN_HEADER, encode(letter.origin))],
        partition=event.partition if event.partition < partitions else None,
    )


async def _note_returned(services: Services, topic: str) -> None:
    """Mark the letters whose records are on the topic again and were not read yet."""
    starts, ends = await services.log.start_offsets(topic), await services.log.end_offsets(topic)
    async with connection(services.pool) as conn:
        read = await progress.offsets(conn, topic)
        epoch = (await progress.epochs(conn, [topic]))[topic]
    for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if read.get(partition, 0) > end:
            raise Fatal(
                f"{topic}[{partition}] ends at offset {end}, but this database has applied it up to "
                f"{read[partition]}: these letters are of another log. Name the right broker."
            )
        first = max(start, read.get(partition, 0))
        async for records in services.log.records(topic, partition, first, end):
            returned = [
                Returned(origin, epoch, record.offset, letter_time(record.timestamp))
                for record in records
                if (origin := _origin(record)) is not None
            ]
            async with transaction(services.pool) as conn:
                await handled_letters.mark_returned(conn, topic, returned)


def _origin(record: Record) -> OriginPosition | None:
    origin = named_origin(record.headers)
    if not isinstance(origin, OriginPosition) or origin.checksum != checksum(record.key, record.value):
        return None
    return origin


@asynccontextmanager
async def _alone(services: Services) -> AsyncIterator[None]:
    async with connection(services.pool) as conn, process_lock.held(conn, ProcessLock.REQUEUEING) as locked:
        if not locked:
            raise UsageError("Dead letters of this database are being sent again already; wait for that to end.")
        yield
