"""Publishing to the real broker."""

import pytest

from stream_app.errors import Fatal, Retriable
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.producing import Outgoing, partition_of
from stream_app.kafka.publisher import Publisher

MIB = 1024 * 1024


async def values(kafka: KafkaAccess, topic: str, partition: int) -> list[bytes]:
    """What a partition of the topic holds."""
    async with LogReader(kafka) as reader:
        end = (await reader.end_offsets(topic))[partition]
        return [record.value or b"" async for batch in reader.records(topic, partition, 0, end) for record in batch]


async def test_records_keep_their_order_and_go_where_their_key_says(kafka: KafkaAccess, topic: str) -> None:
    publisher = Publisher(kafka)
    await publisher.start()
    keys = [f"key-{number % 50}".encode() for number in range(3_000)]
    rows = [Outgoing(topic, key, b"%d" % number) for number, key in enumerate(keys)]
    await publisher.publish(rows)
    await publisher.publish([])
    await publisher.stop()
    for partition in range(4):
        assert await values(kafka, topic, partition) == [
            row.value for row, key in zip(rows, keys, strict=True) if partition_of(key, 4) == partition
        ]


async def test_a_partition_that_is_named_takes_records_without_a_key_or_a_value(kafka: KafkaAccess, topic: str) -> None:
    publisher = Publisher(kafka)
    headers = [("name", b"value")]
    await publisher.publish(
        [Outgoing(topic, None, b"v", partition=3, headers=headers), Outgoing(topic, b"key-1", None, partition=3)]
    )
    await publisher.stop()
    async with LogReader(kafka) as reader:
        read = [record async for batch in reader.records(topic, 3, 0, 2) for record in batch]
    assert [(record.key, record.value, list(record.headers)) for record in read] == [
        (None, b"v", headers),
        (b"key-1", None, []),
    ]


async def test_the_partition_may_be_chosen_by_another_key(kafka: KafkaAccess, topic: str) -> None:
    publisher = Publisher(kafka)
    rows = [Outgoing(topic, b"key-%d" % number, b"%d" % number, partition_key=b"US") for number in range(20)]
    await publisher.publish(rows)
    await publisher.stop()
    assert await values(kafka, topic, partition_of(b"US", 4)) == [row.value for row in rows]


async def test_headers_travel(kafka: KafkaAccess, topic: str) -> None:
    publisher = Publisher(kafka)
    await publisher.publish([Outgoing(topic, b"US", b"again", headers=[("origin-position", b"1|2")])])
    await publisher.stop()
    async with LogReader(kafka) as reader:
        record = await reader.record_at(topic, partition_of(b"US", 4), 0)
    assert record is not None
    assert tuple(record.headers) == (("origin-position", b"1|2"),)


async def test_large_records_are_published_in_as_many_batches_as_it_takes(kafka: KafkaAccess, topic: str) -> None:
    publisher = Publisher(kafka)
    rows = [Outgoing(topic, b"US", bytes([number]) * size) for number, size in enumerate([900_000, 10, MIB, 900_000])]
    await publisher.publish(rows)
    await publisher.stop()
    assert await values(kafka, topic, partition_of(b"US", 4)) == [row.value for row in rows]


async def test_a_record_that_no_topic_takes_is_fatal_and_the_next_publish_works(kafka: KafkaAccess, topic: str) -> None:
    publisher = Publisher(kafka)
    with pytest.raises(Fatal, match="MessageSizeTooLarge"):
        await publisher.publish([Outgoing(topic, b"US", bytes(3 * MIB))])
    await publisher.publish([Outgoing(topic, b"US", b"small")])
    await publisher.stop()
    assert await values(kafka, topic, partition_of(b"US", 4)) == [b"small"]


async def test_a_broker_that_is_away_is_retriable(unused_tcp_port: int) -> None:
    publisher = Publisher(KafkaAccess(f"127.0.0.1:{unused_tcp_port}"), wait_seconds=5)
    with pytest.raises(Retriable):
        await publisher.start()
    with pytest.raises(Retriable):
        await publisher.publish([Outgoing("any", b"key", b"value")])
    await publisher.stop()
