"""The consumer's thread: the only place that touches aiokafka's consumer. Faust runs it with a loop of its own."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from mode.threads import WorkerThread

from stream_app.config import Settings
from stream_app.errors import Fatal, Retriable
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.chunks import TP, Record
from stream_app.kafka.clients import new_consumer
from stream_app.kafka.closing import close_consumer
from stream_app.kafka.fetched import FetchedRecords
from stream_app.kafka.outage import FRAMEWORK, kafka_errors
from stream_app.kafka.stages import AssignedLog, Stage
from stream_app.kafka.unpacking import UnpacksTooLarge
from stream_app.outage import KAFKA

logger = logging.getLogger(__name__)

COMMIT_SECONDS = 5.0
CONNECT_RETRY_SECONDS = 0.5
PULSE_SECONDS = 1.0
NEVER_SECONDS = 365 * 86_400
"""aiokafka leaves the group when nothing is fetched for max_poll_interval, and then stays out: a long outage of the
database would end the stage in silence. Our own gate stops fetching, so idleness says nothing."""


class NotInLog(Fatal):
    """The log does not hold the offset where reading stands: it lost records, or is another one."""


class DaemonThread(WorkerThread):
    """A thread that keeps no process from ending, should the client library hang."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.daemon = True


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, for a read_committed consumer whose positions the stage decides."""

    logger = FRAMEWORK
    Worker = DaemonThread

    def __init__(self, consumer: driver.Consumer, new_consumer: Callable[[], AIOKafkaConsumer], **kwargs: Any) -> None:
        self._new_consumer = new_consumer
        self._fetched = FetchedRecords()
        self._began = threading.Event()
        super().__init__(consumer, **kwargs)

    async def on_start(self) -> None:
        """Connect; as long as the broker is away, try again."""
        self._began.set()
        while not self.should_stop:
            self._consumer = self._create_consumer(loop=self.thread_loop)
            try:
                with kafka_errors("connecting"):
                    await self._consumer.start()
            except Retriable:
                await close_consumer(self._consumer)
                await asyncio.sleep(CONNECT_RETRY_SECONDS)
            else:
                self._fetched = self._consumer._fetcher._records = FetchedRecords()
                return

    async def stop(self) -> None:
        """Stop, also when the thread is only about to start: Faust would ignore that and let it run on."""
        if self._thread_started.is_set():
            await asyncio.to_thread(self._began.wait)
        await super().stop()

    async def _keepalive2(self) -> None:
        """Say when this thread, which sends the heartbeats, stood still for so long that Kafka may have missed them.

        Faust calls it an error after 1.9 s, which a busy machine brings and nothing comes of.
        """
        session_seconds = self.app.conf.broker_session_timeout
        harmless_seconds = session_seconds - self.app.conf.broker_heartbeat_interval
        while not self.should_stop:
            asleep = time.monotonic()
            await self.sleep(PULSE_SECONDS)
            still_seconds = time.monotonic() - asleep - PULSE_SECONDS
            if still_seconds >= harmless_seconds:
                logger.warning(
                    "Heartbeats to Kafka stood still for %.0f s; after %.0f s partitions go to another worker",
                    still_seconds,
                    session_seconds,
                )

    async def on_thread_stop(self) -> None:
        """Leave the group so that others take over at once, without waiting long for a broker that is away."""
        await super(driver.AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await close_consumer(self._consumer)

    def on_crash(self, msg: str, *fmt: Any, **kwargs: Any) -> None:
        """Say nothing here: the error ends the run, which raises it."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        del transport
        return self._new_consumer()

    async def fetch(
        self, tps: Collection[TP], wait_seconds: float, max_records: int
    ) -> Mapping[TopicPartition, list[Record]]:
        """What has come of these partitions, waiting so long at most for something."""
        fetcher = self._ensure_consumer()._fetcher
        with fetcher._subscriptions.fetch_context():
            try:
                fetched: Mapping[TopicPartition, list[Record]] = await fetcher.fetched_records(
                    tps, timeout=wait_seconds, max_records=max_records
                )
            except NoOffsetForPartitionError:
                # noticed before the stage said where to begin
                return {}
            except OffsetOutOfRangeError as error:
                raise NotInLog(
                    f"The log no longer holds the offset where reading stands: {error}. It has lost records, or is "
                    "another log: start the worker again, and it says which, and what to do."
                ) from error
            except KafkaError as error:
                if type(error) is not KafkaError and not error.retriable:
                    raise
                # trouble in the group, which the client library hands to whoever waits for records; `check` mends it
                KAFKA.complain(str(error))
                return {}
            return fetched

    def check_size(self, tps: Collection[TP]) -> None:
        """Raise UnpacksTooLarge if the next batch of one of these partitions does."""
        for tp in tps:
            if (offset := self._fetched.too_large.get(tp)) is not None:
                raise UnpacksTooLarge(f"The batch of records at offset {offset} of {tp.topic}[{tp.partition}]")

    async def logs(self, tps: Iterable[TP]) -> dict[TP, AssignedLog]:
        """What the group has committed of these partitions, and where their logs start and end."""
        consumer = self._ensure_consumer()
        partitions = [TopicPartition(*tp) for tp in tps]
        with kafka_errors("reading where the partitions start, end and are committed"):
            async with asyncio.timeout(self.app.conf.broker_request_timeout):
                committed = await consumer._coordinator.fetch_committed_offsets(partitions)
                starts = await consumer.beginning_offsets(partitions)
                ends = await consumer.end_offsets(partitions)
        return {
            TP(*tp): AssignedLog(committed[tp].offset if tp in committed else None, starts[tp], ends[tp])
            for tp in partitions
        }

    async def start_at(self, offsets: Mapping[TP, int]) -> None:
        """Begin to read these partitions from these offsets."""
        consumer = self._ensure_consumer()
        for tp, offset in offsets.items():
            self._fetched.too_large.pop(tp, None)
            consumer.seek(TopicPartition(*tp), offset)
            consumer.resume(TopicPartition(*tp))

    async def positions(self, tps: Iterable[TP]) -> dict[TP, int]:
        """The offsets of the next records of these partitions, those only that are assigned."""
        consumer = self._ensure_consumer()
        return {tp: await consumer.position(TopicPartition(*tp)) for tp in tps if tp in consumer.assignment()}

    async def ends(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where these partitions' logs ended at their last fetch, those only that are assigned and were fetched.

        Up to there a read_committed consumer reads. Nothing is asked of the broker.
        """
        consumer = self._ensure_consumer()
        known = {tp: consumer.last_stable_offset(TopicPartition(*tp)) for tp in tps if tp in consumer.assignment()}
        return {tp: end for tp, end in known.items() if end is not None}

    async def check(self) -> None:
        """Raise Fatal when the client library's own tasks have ended, mend what it leaves to its user.

        An error that it cannot place (a coordinator that is still loading, right after a broker's restart) stops its
        heartbeats until somebody takes note; joining the group again starts them.
        """
        consumer = self._ensure_consumer()
        if consumer._closed or consumer._coordinator is None:
            return
        if consumer._coordinator._coordination_task.done() or consumer._fetcher.error_future.done():
            raise Fatal("The Kafka client stopped working; start the stage again.")
        try:
            consumer._coordinator.check_errors()
        except GroupAuthorizationFailedError as error:
            raise Fatal(f"Kafka refuses this group: {error}.") from error
        except KafkaError as error:
            logger.info("Joining the group again after %s", error)
            consumer._coordinator.request_rejoin()
        if KAFKA.away:
            await self._ask_whether_away(consumer)

    async def _ask_whether_away(self, consumer: AIOKafkaConsumer) -> None:
        try:
            await consumer.topics()
        except KafkaError as error:
            KAFKA.complain(str(error))
        else:
            KAFKA.answered()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; False where it did not succeed and may be tried again, or the partitions are another's by now."""
        consumer = self._ensure_consumer()
        try:
            with kafka_errors("committing offsets"):
                async with asyncio.timeout(COMMIT_SECONDS):
                    await _commit_as_member(consumer, offsets)
        except Retriable:
            return False
        except CommitFailedError as error:
            logger.info("Not committed, the group is being rebalanced: %s", error)
            return False
        return True


async def _commit_as_member(consumer: AIOKafkaConsumer, offsets: Mapping[TP, int]) -> None:
    try:
        await consumer.commit({TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()})
    except IllegalStateError as error:
        raise CommitFailedError(str(error)) from error


def stage_consumer(kafka: KafkaAccess, stage: Stage, settings: Settings) -> AIOKafkaConsumer:
    """The stage's consumer. It never jumps: without a position of the stage's choosing it reads nothing."""
    rebalance_seconds = rebalance_timeout_seconds(settings)
    return new_consumer(
        kafka,
        group_id=stage.group_id,
        client_id=stage.group_id,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        partition_assignment_strategy=[RoundRobinPartitionAssignor],
        max_partition_fetch_bytes=settings.chunk_bytes,
        session_timeout_ms=int(settings.session_timeout_seconds * 1000),
        heartbeat_interval_ms=int(settings.heartbeat_seconds * 1000),
        rebalance_timeout_ms=int(rebalance_seconds * 1000),
        request_timeout_ms=int(request_timeout_seconds(settings) * 1000),
        max_poll_interval_ms=NEVER_SECONDS * 1000,
    )


def rebalance_timeout_seconds(settings: Settings) -> float:
    """How long the group waits for a member to give its partitions up: the drain, its commits, and a heartbeat."""
    return settings.revoke_wait_seconds + 2 * COMMIT_SECONDS + 2 * settings.heartbeat_seconds + 10.0


def request_timeout_seconds(settings: Settings) -> float:
    """Longer than a rebalance, for as long as that is a request to join kept waiting."""
    return rebalance_timeout_seconds(settings) + 10.0
