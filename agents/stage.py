"""What every stage shares: where to start, the fence around each chunk, and trying again when a service is away."""

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from agents.feed import is_mended, too_many
from agents.letters import letter_bytes
from agents.placing import Decoded, Event, Records, decode
from agents.rejection_limits import Counting, Passed, RejectionLimits
from schemas import DeadLetter
from schemas.topics import DEAD_LETTERS
from stream_app.endpoints import command
from stream_app.errors import Fatal, FenceLost, OwnershipLost, Retriable
from stream_app.failpoints import failpoint
from stream_app.kafka.chunks import TP, Chunk, still_owned
from stream_app.kafka.producing import Outgoing
from stream_app.kafka.stages import AssignedLog
from stream_app.metrics.counting import add, timed
from stream_app.metrics.listed import CHUNK_SECONDS, RECORDS, REDELIVERED, REJECTED, RETRIES
from stream_app.outage import LONGEST_WAIT_SECONDS, say_waiting
from stream_app.positions import ADOPT
from stream_app.positions.comparing import compare
from stream_app.positions.findings import told
from stream_app.positions.named import named_by_triggers
from stream_app.services import Services
from stream_app.store import dead_letters, progress
from stream_app.store.database import Connection, connection, transaction
from stream_app.store.progress import Progress

FIRST_WAIT_SECONDS = 0.1
LEFT_OVER_LETTERS = 10
"""How many are read at a time; some may be large."""

log = logging.getLogger(__name__)


class LimitPassed(Exception):
    """A chunk holds a record that passes a limit; nothing of it is applied yet."""

    def __init__(self, passed: Passed) -> None:
        super().__init__(passed.how)
        self.passed = passed


class Stage(ABC):
    """The hooks of one topic's stage. A subclass says what is done with a chunk.

    `limits`, where set, end the stage when too many records are rejected. A replay sets none: what it reads was let
    pass when it was live.
    """

    def __init__(self, services: Services, topic: str, records: Records[Any]) -> None:
        self.services = services
        self.topic = services.topic(topic)
        self.records = records
        self.limits: RejectionLimits | None = None
        self._assigned: set[int] = set()
        self._progress: dict[int, Progress] = {}
        self._lets_pass = False
        self._seen: dict[int, Progress] = {}

    @abstractmethod
    async def apply(self, chunk: Chunk, was: Progress) -> Decoded[Any]:
        """Decode, apply in one transaction that begins with the fence, publish; returns the chunk told apart.

        May run again for the same chunk after Retriable or FenceLost.
        """

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A chunk's transaction, whose time is measured."""
        with timed(CHUNK_SECONDS, "transaction"):
            async with transaction(self.services.pool) as conn:
                yield conn

    async def decoded(self, chunk: Chunk, was: Progress) -> Decoded[Any]:
        """The chunk told apart, with every record that is rejected among the letters. Nothing is stored."""
        return decode(chunk, was, self.records)

    @abstractmethod
    def drop_caches(self) -> None:
        """Forget what was cached of partitions, so that it is read again."""

    async def handle(self, chunk: Chunk) -> None:
        """Store and publish a chunk; when this returns it may be acked. OwnershipLost leaves it to the new owner."""
        # tenacity's objects end up in a cycle, and would keep the records until Python next looks for such
        place = replace(chunk, records=())
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((Retriable, FenceLost)),
            wait=wait_exponential(FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
            before_sleep=partial(self._before_retry, place),
            reraise=True,
        )
        with timed(CHUNK_SECONDS, "total"):
            async for attempt in retrying:
                with attempt:
                    await self._apply_within_limits(chunk)
        failpoint("after-publish")

    async def _apply_within_limits(self, chunk: Chunk) -> None:
        """Apply a chunk; Fatal, once what comes before it is applied, at a record that passes a limit."""
        was = await self._progress_of(chunk.partition)
        try:
            await self._apply(chunk, was)
            return
        except LimitPassed as limit:
            passed = limit.passed
        assert self.limits is not None
        if await is_mended(self.services.log, chunk, passed, self.limits, partial(self._rejected_of, was)):
            log.warning("%s[%d] goes on, as its newest records are good: %s", *chunk.tp, passed.how)
            await self._apply_without_limits(chunk, was)
            return
        if before := [record for record in chunk.records if record.offset < passed.offset]:
            await self._apply(replace(chunk, records=before), was)
        raise Fatal(await too_many(self.services, chunk, passed, self.limits))

    async def _apply(self, chunk: Chunk, was: Progress) -> None:
        decoded = await self.apply(chunk, was)
        self._progress[chunk.partition] = self._seen[chunk.partition] = decoded.now
        _count(chunk, decoded)

    async def _rejected_of(self, was: Progress, newest: Chunk) -> Sequence[int]:
        decoded = await self.decoded(newest, replace(was, next_offset=newest.first_offset))
        return [letter.event.offset for letter in decoded.letters]

    async def _apply_without_limits(self, chunk: Chunk, was: Progress) -> None:
        self._lets_pass = True
        try:
            await self._apply(chunk, was)
        finally:
            self._lets_pass = False

    def counted(self, chunk: Chunk, decoded: Decoded[Event]) -> Decoded[Event]:
        """The chunk with its rejected records counted; every stage does this before it stores. LimitPassed ends it."""
        if self.limits is None:
            return decoded
        others = [of for partition, of in self._progress.items() if partition != chunk.partition]
        counting = Counting(self.limits, decoded.was, others)
        passed = None
        if decoded.letters:
            passed = counting.add(*decoded.countable(chunk))
        elif decoded.fresh:
            counting.tally.add(len(decoded.fresh), rejected=False)
        if passed is not None and not self._lets_pass:
            raise LimitPassed(passed)
        return replace(decoded, now=counting.tally.of(decoded.now))

    def _before_retry(self, place: Chunk, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        add(RETRIES)
        say_waiting(log, f"{place.topic}[{place.partition}] is tried again, attempt {state.attempt_number}", error)
        self._forget()
        if not still_owned(place):
            raise OwnershipLost(f"{place.topic}[{place.partition}] went to another worker.")

    def _forget(self) -> None:
        self._progress.clear()
        self.drop_caches()

    async def _progress_of(self, partition: int) -> Progress:
        if partition not in self._progress:
            async with connection(self.services.pool) as conn:
                found = await progress.load(conn, self.topic, {partition} | self._assigned - self._progress.keys())
            for each in {partition, *found}:
                self._check_not_back(each, found.get(each))
            self._progress.update(found)
        return self._progress[partition]

    def _check_not_back(self, partition: int, found: Progress | None) -> None:
        """What this worker has fetched follows what it knew; going on elsewhere would leave records out.

        So it is with a database that is emptied, restored or given another log while a worker runs.
        """
        seen = self._seen.get(partition)
        if found is not None and (
            seen is None or (found.log_epoch == seen.log_epoch and found.next_offset >= seen.next_offset)
        ):
            return
        raise Fatal(
            f"The database's progress of {self.topic}[{partition}] was replaced while a worker ran: start the worker "
            "again, and it reads on from where the database stands."
        )

    async def start_offsets(self, logs: Mapping[TP, AssignedLog]) -> Mapping[TP, int]:
        """Where to read from: the lower of Kafka's commit and the stored progress, or Fatal where neither can be."""
        self._forget()
        self._assigned |= {tp.partition for tp in logs}
        partitions = len(await self.services.log.start_offsets(self.topic))
        partitions = max([partitions, *(tp.partition + 1 for tp in logs)])
        stored = await self._stored(logs, partitions)
        by_partition = {tp.partition: of_log for tp, of_log in logs.items()}
        if findings := await compare(self.services.log, stored, by_partition, partitions):
            raise Fatal(told(findings, command(self.services.settings, ADOPT)))
        self._seen = {was.partition: was for was in stored}
        return {tp: _start(self._seen[tp.partition], of_log) for tp, of_log in logs.items()}

    async def _stored(self, logs: Mapping[TP, AssignedLog], partitions: int) -> list[Progress]:
        """The stored progress of the topic, after partitions that are seen for the first time were given theirs."""
        async with connection(self.services.pool) as conn:
            is_new = not await progress.of_topic(conn, self.topic)
        epoch = (await named_by_triggers(self.services)).epochs[self.topic] if is_new else progress.FIRST_EPOCH
        async with transaction(self.services.pool) as conn:
            for tp, of_log in logs.items():
                await progress.create(conn, self.topic, tp.partition, of_log.log_start, partitions, epoch)
            if await progress.move_keys(conn, self.topic, partitions):
                log.warning(
                    "%s has more partitions than before, %d: they are adopted, and records of one key may lie in two",
                    self.topic,
                    partitions,
                )
            return await progress.of_topic(conn, self.topic)

    async def revoked(self, tps: Collection[TP]) -> None:
        """Partitions were taken away: nothing cached of them may outlive that."""
        self._assigned -= {tp.partition for tp in tps}
        self._forget()

    async def idle(self, tp: TP, position: int) -> None:
        """Nothing is pending: move the progress over control records to the consumer's position."""
        was = await self._progress_of(tp.partition)
        if position <= was.next_offset:
            return
        async with transaction(self.services.pool) as conn:
            moved = await progress.pass_idle(conn, was, position)
        if moved:
            self._progress[tp.partition] = replace(was, next_offset=position)
        else:
            # Another worker has moved it on: what is cached was read before that.
            self._forget()

    async def publish_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Publish stored dead letters, as many as a chunk may have, and note that they are on the topic."""
        if not letters:
            return
        topic = self.services.topic(DEAD_LETTERS.name)
        await self.services.publisher.publish(
            [Outgoing(topic, f"{x.topic}|{x.partition}|{x.offset}".encode(), letter_bytes(x)) for x in letters]
        )
        async with transaction(self.services.pool) as conn:
            await dead_letters.mark_published(conn, letters)

    async def publish_left_over(self, age_seconds: float) -> None:
        """Publish the dead letters that a crash left between commit and publish, of at least that age.

        Younger ones may be being published by whoever stored them.
        """
        while True:
            async with connection(self.services.pool) as conn:
                left = await dead_letters.unpublished(conn, self.topic, age_seconds, LEFT_OVER_LETTERS)
            if not left:
                return
            await self.publish_dead_letters(left)


def _count(chunk: Chunk, decoded: Decoded[Any]) -> None:
    """Count a chunk that is stored and published."""
    new = len(decoded.fresh) + len(decoded.letters)
    add(RECORDS, new)
    add(REDELIVERED, len(chunk.records) - new)
    for reason, letters in Counter(letter.event.reason for letter in decoded.letters).items():
        add(REJECTED, letters, reason)


def _start(was: Progress, of_log: AssignedLog) -> int:
    """The lower of commit and progress; progress where there is no commit."""
    return was.next_offset if of_log.committed is None else min(of_log.committed, was.next_offset)
