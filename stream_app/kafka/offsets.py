"""Reading the log by offset: ends, starts, ranges and single records, always read_committed, never as a group."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError, UnknownTopicOrPartitionError

from stream_app.errors import Fatal, Retriable
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.clients import new_consumer
from stream_app.kafka.closing import close_consumer
from stream_app.kafka.outage import kafka_errors
from stream_app.kafka.unpacking import UnpacksTooLarge

REQUEST_TIMEOUT_SECONDS = 15.0
PROGRESS_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 1.0
BATCH_RECORDS = 2_000
FETCH_BYTES = 4 * 1024 * 1024
LOOK_BACK_RECORDS = 64


class LogReader:
    """Reads offsets and records of any topic by wire name. Every method raises Retriable when the broker is away."""

    def __init__(self, kafka: KafkaAccess) -> None:
        self._kafka = kafka
        self._consumer: AIOKafkaConsumer | None = None
        self._connecting = asyncio.Lock()

    async def start(self) -> None:
        """Connect; every method does so by itself."""
        with kafka_errors("connecting to read offsets"):
            await self._connected()

    async def stop(self) -> None:
        """Close the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await close_consumer(consumer)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def end_offsets(self, topic: str) -> tuple[int, ...]:
        """By partition the first offset that a read_committed reader cannot read yet (the last stable offset)."""
        with kafka_errors(f"reading the end of {topic}"):
            consumer, partitions = await self._partitions(topic)
            ends = await consumer.end_offsets(partitions)
            return tuple(ends[tp] for tp in partitions)

    async def start_offsets(self, topic: str) -> tuple[int, ...]:
        """By partition the first offset that the log still holds."""
        with kafka_errors(f"reading the start of {topic}"):
            consumer, partitions = await self._partitions(topic)
            starts = await consumer.beginning_offsets(partitions)
            return tuple(starts[tp] for tp in partitions)

    async def records(
        self, topic: str, partition: int, start: int, end: int
    ) -> AsyncGenerator[Sequence[ConsumerRecord], None]:
        """The records of one partition with start <= offset < end, in batches of at most 2,000.

        Raises Fatal when `start` lies outside the log.
        """
        if start >= end:
            return
        tp = TopicPartition(topic, partition)
        with kafka_errors(f"reading {topic}"):
            async with reading_from(self._kafka, {tp: start}) as consumer:
                advanced_at = time.monotonic()
                position = start
                while position < end:
                    batch = await _next_batch(consumer, tp)
                    if wanted := [record for record in batch if record.offset < end]:
                        yield wanted
                    reached = await consumer.position(tp)
                    if reached > position:
                        position, advanced_at = reached, time.monotonic()
                    elif time.monotonic() - advanced_at > PROGRESS_TIMEOUT_SECONDS:
                        raise Retriable(f"Kafka: nothing came of {topic}[{partition}] from {position} to {end}.")

    async def record_at(self, topic: str, partition: int, offset: int) -> ConsumerRecord | None:
        """The last record at or before `offset`; None where the log holds none.

        Offsets may hold no record (control records, aborted transactions), so it looks back in growing steps.
        """
        first = (await self.start_offsets(topic))[partition]
        end, step = min(offset + 1, (await self.end_offsets(topic))[partition]), LOOK_BACK_RECORDS
        while end > first:
            start = max(first, end - step)
            last: ConsumerRecord | None = None
            async for batch in self.records(topic, partition, start, end):
                last = batch[-1]
            if last is not None:
                return last
            end, step = start, step * 4
        return None

    async def _connected(self) -> AIOKafkaConsumer:
        async with self._connecting:
            if self._consumer is None:
                self._consumer = await _started(self._kafka)
            return self._consumer

    async def _partitions(self, topic: str) -> tuple[AIOKafkaConsumer, list[TopicPartition]]:
        consumer = await self._connected()
        # all topics are asked for: naming one makes a broker with auto.create.topics.enable create it
        partitions = (await consumer._client.fetch_all_metadata()).partitions_for_topic(topic)
        if not partitions:
            raise UnknownTopicOrPartitionError(topic)
        return consumer, [TopicPartition(topic, partition) for partition in sorted(partitions)]


async def _started(kafka: KafkaAccess) -> AIOKafkaConsumer:
    consumer = new_consumer(
        kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_poll_records=BATCH_RECORDS,
        max_partition_fetch_bytes=FETCH_BYTES,
        request_timeout_ms=int(REQUEST_TIMEOUT_SECONDS * 1000),
    )
    try:
        await consumer.start()
    except BaseException:
        await close_consumer(consumer)
        raise
    return consumer


@asynccontextmanager
async def reading_from(kafka: KafkaAccess, starts: Mapping[TopicPartition, int]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of these partitions that begins at these offsets, read_committed, and belongs to no group."""
    consumer = await _started(kafka)
    try:
        consumer.assign(list(starts))
        for tp, start in starts.items():
            consumer.seek(tp, start)
        yield consumer
    finally:
        await close_consumer(consumer)


async def _next_batch(consumer: AIOKafkaConsumer, tp: TopicPartition) -> list[ConsumerRecord]:
    try:
        fetched = await consumer.getmany(tp, timeout_ms=int(POLL_SECONDS * 1000))
    except OffsetOutOfRangeError as error:
        raise Fatal(f"The log of {tp.topic}[{tp.partition}] does not hold the offset asked for: {error}.") from error
    except UnpacksTooLarge:
        raise UnpacksTooLarge(
            f"A batch of records at offset {await consumer.position(tp)} of {tp.topic}[{tp.partition}], or after it,"
        ) from None
    batch: list[ConsumerRecord] = fetched.get(tp, [])
    return batch
