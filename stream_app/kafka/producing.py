"""What every producer of ours does alike: how it is made, how it sends records in bulk, and how it is given up.

Records are packed into one batch a partition by hand (`create_batch`, `send_batch`): a future a batch instead of one a
record.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, NodeNotReadyError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator

from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.clients import new_producer

BATCH_MAX_BYTES = 1024 * 1024
"""Below the topics' max.message.bytes, which bounds a batch; a larger record travels in a batch of its own."""
REQUEST_MAX_BYTES = 5 * 1024 * 1024
REQUEST_TIMEOUT_SECONDS = 15.0
GIVE_UP_SECONDS = 20.0
"""Longer than a request takes to be given up."""
CLOSED = "the producer was given up"

Acknowledged = Callable[["asyncio.Future[object]"], Awaitable[object]]
"""Waits until a batch is acknowledged; raises why it is not."""


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


async def started(kafka: KafkaAccess, **options: Any) -> AIOKafkaProducer:
    """A connected idempotent producer, whose records all replicas acknowledge."""
    producer = new_producer(
        kafka,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_MAX_BYTES,
        max_request_size=REQUEST_MAX_BYTES,
        request_timeout_ms=int(REQUEST_TIMEOUT_SECONDS * 1000),
        **options,
    )
    try:
        await producer.start()
    except AssertionError as error:  # that it knows a broker to ask for its coordinator: one that wakes knows none
        await producer.stop()
        raise NodeNotReadyError(str(error)) from error
    except BaseException:
        await producer.stop()
        raise
    return producer


async def send(producer: AIOKafkaProducer, records: Sequence[Outgoing], acknowledged: Acknowledged) -> None:
    """Send records, in order by partition; raises what `acknowledged` raised of one batch, once all were waited for."""
    by_partition = await _by_partition(producer, records)
    sends = [_send_partition(producer, *tp, rows, acknowledged) for tp, rows in by_partition.items()]
    for outcome in await asyncio.gather(*sends, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _send_partition(
    producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Outgoing], acknowledged: Acknowledged
) -> None:
    sent = 0
    while sent < len(records):
        batch = producer.create_batch()
        sent = _fill(batch, records, sent)
        # the next batch only after this one: a retry after a failure keeps the order
        await acknowledged(await producer.send_batch(batch, topic, partition=partition))


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


async def give_up(producer: AIOKafkaProducer) -> None:
    """Close a producer without waiting for batches that nobody may ever acknowledge.

    `stop` alone would flush first, which an idempotent producer does for as long as the broker is away.
    """
    # It asks for its coordinator for as long as the broker is away, or fails at what it has just asked for.
    with suppress(Exception):
        async with asyncio.timeout(GIVE_UP_SECONDS):
            await producer._sender.close()
    _fail_all(producer._message_accumulator)
    _retrieve(producer)
    await producer.stop()


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


def _retrieve(producer: AIOKafkaProducer) -> None:
    """Let asyncio not complain that nobody waited for a transaction to end, or for a sender that ended by itself."""
    for future in (producer._txn_manager._transaction_waiter, producer._sender.sender_task):
        if future is not None and future.done() and not future.cancelled():
            future.exception()
