"""Faust's aiokafka transport, batched: one Faust event carries one chunk of one partition (DESIGN.md section 4).

Partitions with fewer than two unacked chunks are asked for; everything fetched is registered in the ledger before the
first chunk goes to Faust, and what is over two a partition waits there. So the drain loop never waits for an agent.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar, cast

from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import AppT, ConsumerMessage
from faust.types.transports import TPorTopicSet
from faust.types.tuples import Message
from mode import Service

from stream_app.errors import Fatal, Retriable
from stream_app.failpoints import failpoint
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.chunks import TP, Chunk, Record
from stream_app.kafka.consuming import COMMIT_SECONDS, ConsumerThread, NotInLog, stage_consumer
from stream_app.kafka.handling import StageRun
from stream_app.kafka.outage import FRAMEWORK
from stream_app.outage import say_waiting

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

FETCH_CHUNKS = 8
"""How many chunks one fetch may give, all partitions together."""
GATED_WAIT_SECONDS = 0.02
"""How long a fetch waits for records while a partition is not asked for, which an ack may change at any time."""
CHECK_SECONDS = 1.0
RETRY_FIRST_SECONDS = 0.5
RETRY_MOST_SECONDS = 10.0


class PausingListener(driver.ConsumerRebalanceListener):
    """Keeps assigned partitions from being fetched until the stage has said where to begin."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Pause the partitions, then let Faust go on."""
        self._thread._ensure_consumer().pause(*assigned)
        await super().on_partitions_assigned(assigned)


class BatchedConsumer(driver.Consumer):
    """Faust's consumer, by chunks, with commits, positions and rebalances by our rules."""

    RebalanceListener = PausingListener
    logger = FRAMEWORK
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._run = cast(BatchedTransport, self.transport).stage_run
        self._fetching: tuple[int, asyncio.Future[Mapping[TopicPartition, list[Record]]]] | None = None
        self._committing = asyncio.Lock()
        self._draining = asyncio.Lock()
        self._rest_seen = 0.0

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(
            self, cast(BatchedTransport, self.transport).new_consumer, loop=self.loop, beacon=self.beacon
        )

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109 (Faust's)
        """Fetch what may be fetched, and give Faust the chunks that it may have."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        try:
            await self._look_at_rest()
            await self._fetch(timeout)
        except NotInLog as error:
            self._run.fail(await self._told_by_stage(error))
        except Fatal as error:
            self._run.fail(error)
        while self.flow_active and (chunk := self._run.ledger.take()) is not None:
            tp = chunk.tp
            # else Faust compares with the offset it gave last, which a seek may have made meaningless
            self._read_offset[tp] = None
            yield tp, self._message(tp, chunk)

    async def _fetch(self, wait_seconds: float) -> None:
        ledger = self._run.ledger
        if self._fetching is None:
            ready = ledger.ready()
            if not ready or ledger.can_take():
                if not ledger.can_take():
                    await self._run.wait_for_change(wait_seconds)
                return
            wait = wait_seconds if ready == ledger.assigned else GATED_WAIT_SECONDS
            max_records = FETCH_CHUNKS * self._run.stage.limits.records
            fetching = self._in_thread(self._thread.fetch(ready, wait, max_records))
            # nobody asks for the outcome of the fetch that is under way when the run ends
            fetching.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._fetching = ledger.generation, fetching
        generation, fetching = self._fetching
        # shielded: a cancelled drain loop must not lose records that the client library counts as read
        records = await asyncio.shield(fetching)
        self._fetching = None
        if generation == ledger.generation:
            for tp, batch in records.items():
                ledger.register(TP(*tp), batch)
            self._thread.check_size(ledger.at_rest())

    async def _told_by_stage(self, error: NotInLog) -> Fatal:
        """What the stage says of its logs as they are now: it knows what was applied, and what is to be done."""
        try:
            logs = await self._in_thread(self._thread.logs(self._run.ledger.assigned))
            await self._run.stage.hooks.start_offsets(logs)
        except Fatal as told:
            return told
        except Retriable:
            pass
        return error

    async def _look_at_rest(self) -> None:
        """Once a second, and while no fetch runs, see how far the partitions at rest are read."""
        now = self.loop.time()
        if self._fetching is not None or now - self._rest_seen < CHECK_SECONDS:
            return
        self._rest_seen = now
        ledger = self._run.ledger
        if resting := ledger.at_rest():
            positions = await self._in_thread(self._thread.positions(resting))
            news = {tp: position for tp, position in positions.items() if ledger.is_news(tp, position)}
            if news:
                self.add_future(self._run.tell_idle(news))

    def _message(self, tp: TP, chunk: Chunk) -> ConsumerMessage:
        last = chunk.records[-1]
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1000.0,
            timestamp_type=1,
            headers=None,
            key=None,
            value=cast(bytes, chunk),
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    def ack(self, message: Message) -> bool:
        """Ack a chunk that was handled."""
        self._unacked_messages.discard(message)
        return self._run.ledger.ack(cast(Chunk, message.value))

    async def force_commit(self, topics: TPorTopicSet | None = None, start_new_transaction: bool = True) -> bool:
        """Commit what is acked without a gap. A commit that fails is tried again with the next."""
        del topics, start_new_transaction
        async with self._committing:
            offsets = self._run.ledger.committable()
            if not offsets:
                return False
            failpoint("before-offset-commit")
            try:
                async with asyncio.timeout(2 * COMMIT_SECONDS):
                    done = await self._commit(offsets)
            except (Fatal, TimeoutError) as error:
                if isinstance(error, Fatal):
                    self._run.fail(error)
                return False
            if done:
                self._run.ledger.committed(offsets)
            return done

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit, wait for the chunk in its handler, commit again; only then let the partitions go."""
        await self.drain(self._run.settings.revoke_wait_seconds)
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take the partitions up. Where to begin is found beside this: no heartbeat is sent until it returns."""
        generation = self._run.ledger.assign(assigned)
        await super().on_partitions_assigned(assigned, generation_id)
        if assigned:
            self.add_future(self._start_reading(generation))

    async def drain(self, seconds: float) -> None:
        """Let no chunk begin, commit, wait so long at most for the one in its handler, commit, forget everything."""
        async with self._draining:
            ledger = self._run.ledger
            ledger.close()
            await self.force_commit()
            if not await self._run.wait_until_handled(seconds):
                logger.warning("A chunk in its handler was not waited for any longer; it is delivered again.")
            await self.force_commit()
            tps = ledger.assigned
            ledger.revoke()
            self._run.changed()
            if tps:
                await self._hook(self._run.stage.hooks.revoked, tps)

    async def _hook(self, hook: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        try:
            await hook(*args)
        except Exception as error:
            self._run.fail(error)

    async def _start_reading(self, generation: int) -> None:
        ledger, delay = self._run.ledger, RETRY_FIRST_SECONDS
        while ledger.generation == generation and ledger.assigned and not self.should_stop:
            try:
                await self._open(generation)
                return
            except Retriable as error:
                say_waiting(logger, "where to begin reading is not known yet", error)
            except Exception as error:
                self._run.fail(error)
                return
            await self.sleep(delay)
            delay = min(2 * delay, RETRY_MOST_SECONDS)

    async def _open(self, generation: int) -> None:
        ledger = self._run.ledger
        logs = await self._in_thread(self._thread.logs(ledger.assigned))
        starts = await self._run.stage.hooks.start_offsets(logs)
        if self._fetching is not None:
            # of the assignment before: were it still under way after the seek, it would take records along
            await asyncio.wait([self._fetching[1]])
        if ledger.generation == generation and ledger.assigned:
            chosen = {tp: starts[tp] for tp in ledger.assigned}
            await self._commit_first({tp: start for tp, start in chosen.items() if logs[tp].committed is None})
            await self._in_thread(self._thread.start_at(chosen))
            ledger.open(chosen)
            self._run.changed()

    async def _commit_first(self, starts: Mapping[TP, int]) -> None:
        """Commit where a partition without a commit begins, before anything of it is handled.

        A chunk that is stored when its worker dies, but not yet published, is then delivered again.
        """
        if starts and not await self._commit(starts):
            raise Retriable(f"The first offsets of {len(starts)} partitions could not be committed.")

    @Service.task
    async def _watch(self) -> None:
        """Notice when the client library has given up, or the broker is back, and how far the logs go."""
        while not self.should_stop:
            await self.sleep(CHECK_SECONDS)
            if self._thread._consumer is not None and self._thread.started and not self.should_stop:
                await self._hook(self._check)

    async def _check(self) -> None:
        await self._in_thread(self._thread.check())
        self._run.ledger.ended_at(await self._in_thread(self._thread.ends(self._run.ledger.assigned)))

    def _in_thread(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Future[Result]":
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._thread.thread_loop), loop=self.loop)

    async def perform_seek(self) -> None:
        """Faust would go to the committed offsets here; the stage decides where to begin."""

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Faust counts offsets to find gaps; the ledger counts chunks, and control records are no gaps."""

    async def verify_all_partitions_active(self) -> None:
        """Faust's guess from silence that something hangs; `_watch` asks instead."""

    def close(self) -> None:
        """Faust closes the client here from a foreign loop; its thread does it."""


class BatchedTransport(driver.Transport):
    """Faust's transport with our consumer, for one run of a stage."""

    Consumer = BatchedConsumer

    def __init__(self, app: AppT, stage_run: StageRun, kafka: KafkaAccess) -> None:
        super().__init__(app.conf.broker_consumer, app)
        self.stage_run = stage_run
        self.new_consumer = partial(stage_consumer, kafka, stage_run.stage, stage_run.settings)
