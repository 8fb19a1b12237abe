"""Publishing in bulk: idempotent, acknowledged by all replicas, in order a partition.

Records are packed into one batch a partition by hand (`create_batch`, `send_batch`): a future a batch instead of one a
record.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator

from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.clients import new_producer
from stream_app.kafka.outage import kafka_errors

BATCH_MAX_BYTES = 1024 * 1024
"""Below the topics' max.message.bytes, which bounds a batch; a larger record travels in a batch of its own."""
REQUEST_MAX_BYTES = 5 * 1024 * 1024
REQUEST_TIMEOUT_SECONDS = 15.0
PUBLISH_WAIT_SECONDS = 30.0
CLOSED = "the producer was given up"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to publish. `topic` is the name on the wire.

    The partition is `partition`, or is chosen by `partition_key` or else by the key; one of them must be there.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    partition_key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None


@lru_cache(maxsize=65_536)
def _positive_hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner (murmur2, as in the Java client) gives to `key`."""
    return _positive_hash(key) % partitions


class Publisher:
    """Publishes records, and is usable again after the broker was away."""

    def __init__(self, kafka: KafkaAccess, *, wait_seconds: float = PUBLISH_WAIT_SECONDS) -> None:
        self._kafka = kafka
        self._wait_seconds = wait_seconds
        self._producer: AIOKafkaProducer | None = None
        self._broken = False
        self._connecting = asyncio.Lock()
        self._left_over: set[asyncio.Future[object]] = set()

    async def start(self) -> None:
        """Connect. Raises Retriable when the broker is away; `publish` connects by itself, so going on is fine."""
        with kafka_errors("connecting to publish"):
            async with asyncio.timeout(self._wait_seconds):
                await self._connected()

    async def stop(self) -> None:
        """Close the connections. What a timed-out `publish` left over is given up."""
        async with self._connecting:
            await self._give_up_producer()

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Publish `records`; returns when every one is acknowledged.

        Raises Retriable when the broker does not acknowledge them all in `wait_seconds`: call again with the same
        records, some may then be there twice, in the same order. Raises Fatal for what can never be published.
        """
        if not records:
            return
        with kafka_errors(f"publishing to {records[0].topic}"):
            async with asyncio.timeout(self._wait_seconds):
                producer = await self._connected()
                await self._settled()
                await self._send(producer, records)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._broken:
                await self._give_up_producer()
            if self._producer is None:
                self._producer = await _started(self._kafka)
            return self._producer

    async def _settled(self) -> None:
        """Wait for what an earlier call gave up waiting for: sent after it, the same records stay in order."""
        if self._left_over:
            await asyncio.wait(self._left_over)

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
        by_partition = await _by_partition(producer, records)
        sends = [self._send_partition(producer, *tp, rows) for tp, rows in by_partition.items()]
        for outcome in await asyncio.gather(*sends, return_exceptions=True):
            if isinstance(outcome, BaseException):
                # whatever the error, the partition's sequence numbers have a gap now: a new producer starts anew
                self._broken = True
                raise outcome

    async def _send_partition(
        self, producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Outgoing]
    ) -> None:
        sent = 0
        while sent < len(records):
            batch = producer.create_batch()
            sent = _fill(batch, records, sent)
            future = await producer.send_batch(batch, topic, partition=partition)
            try:
                # the next batch only after this one: a retry after a failure keeps the order
                await asyncio.shield(future)
            except asyncio.CancelledError:
                self._left_over.add(future)
                future.add_done_callback(self._forget)
                raise

    def _forget(self, future: "asyncio.Future[object]") -> None:
        self._left_over.discard(future)
        if future.cancelled() or future.exception() is not None:
            self._broken = True

    async def _give_up_producer(self) -> None:
        """Close the producer without waiting for batches that nobody may ever acknowledge.

        `stop` alone would flush first, which an idempotent producer does for as long as the broker is away.
        """
        producer, self._producer, self._broken = self._producer, None, False
        if producer is not None:
            await producer._sender.close()
            _fail_all(producer._message_accumulator)
            await producer.stop()


async def _started(kafka: KafkaAccess) -> AIOKafkaProducer:
    producer = new_producer(
        kafka,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_MAX_BYTES,
        max_request_size=REQUEST_MAX_BYTES,
        request_timeout_ms=int(REQUEST_TIMEOUT_SECONDS * 1000),
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


def _fail_all(accumulator: MessageAccumulator) -> None:
    """Fail every batch, without the errors that aiokafka's `fail_all` leaves in the log.

    It forgets that a batch which waits for another try is not pending, and raises to those who wait for a batch to be
    drained, of whom there are none.
    """
    batches = {batch for waiting in accumulator._batches.values() for batch in waiting} | accumulator._pending_batches
    accumulator._pending_batches |= batches
    accumulator.fail_all(KafkaError(CLOSED))
    for batch in batches:
        batch._drain_waiter.exception()


async def _by_partition(
    producer: AIOKafkaProducer, records: Sequence[Outgoing]
) -> dict[tuple[str, int], list[Outgoing]]:
    counts = {topic: len(await producer.partitions_for(topic)) for topic in {record.topic for record in records}}
    by_partition: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
    for record in records:
        by_partition[record.topic, _partition(record, counts[record.topic])].append(record)
    return by_partition


def _partition(record: Outgoing, partitions: int) -> int:
    if record.partition is not None:
        return record.partition
    key = record.partition_key or record.key
    assert key is not None, "a record without a key must name its partition"
    return partition_of(key, partitions)


def _fill(batch: BatchBuilder, records: Sequence[Outgoing], start: int) -> int:
    """Append the records from `start` that fit; the index of the first that did not."""
    for index in range(start, len(records)):
        record = records[index]
        if batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers)) is None:
            return index
    return len(records)
