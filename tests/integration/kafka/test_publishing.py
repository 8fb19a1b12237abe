"""Publishing to the real broker."""

import pytest

from stream_app.errors import Fatal, Retriable
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.publisher import Outgoing, Publisher, partition_of

MIB = 1024 * 1024


async def values(kafka_url: str, topic: str, partition: int) -> list[bytes]:
    """What a partition of the topic holds."""
    async with LogReader(kafka_url) as reader:
        end = (await reader.end_offsets(topic))[partition]
        return [record.value or b"" async for batch in reader.records(topic, partition, 0, end) for record in batch]


async def test_records_keep_their_order_and_go_where_their_key_says(kafka_url: str, topic: str) -> None:
    publisher = Publisher(kafka_url)
    await publisher.start()
    rows = [Outgoing(topic, f"key-{number % 50}".encode(), b"%d" % number) for number in range(3_000)]
    await publisher.publish(rows)
    await publisher.publish([])
    await publisher.stop()
    for partition in range(4):
        assert await values(kafka_url, topic, partition) == [
            row.value for row in rows if partition_of(row.key, 4) == partition
        ]


async def test_the_partition_may_be_chosen_by_another_key(kafka_url: str, topic: str) -> None:
    publisher = Publisher(kafka_url)
    rows = [Outgoing(topic, b"key-%d" % number, b"%d" % number, partition_key=b"US") for number in range(20)]
    await publisher.publish(rows)
    await publisher.stop()
    assert await values(kafka_url, topic, partition_of(b"US", 4)) == [row.value for row in rows]


async def test_headers_travel(kafka_url: str, topic: str) -> None:
    publisher = Publisher(kafka_url)
    await publisher.publish([Outgoing(topic, b"US", b"again", headers=[("origin-position", b"1|2")])])
    await publisher.stop()
    async with LogReader(kafka_url) as reader:
        record = await reader.record_at(topic, partition_of(b"US", 4), 0)
    assert record is not None
    assert tuple(record.headers) == (("origin-position", b"1|2"),)


async def test_large_records_are_published_in_as_many_batches_as_it_takes(kafka_url: str, topic: str) -> None:
    publisher = Publisher(kafka_url)
    rows = [Outgoing(topic, b"US", bytes([number]) * size) for number, size in enumerate([900_000, 10, MIB, 900_000])]
    await publisher.publish(rows)
    await publisher.stop()
    assert await values(kafka_url, topic, partition_of(b"US", 4)) == [row.value for row in rows]


async def test_a_record_that_no_topic_takes_is_fatal_and_the_next_publish_works(kafka_url: str, topic: str) -> None:
    publisher = Publisher(kafka_url)
    with pytest.raises(Fatal, match="MessageSizeTooLarge"):
        await publisher.publish([Outgoing(topic, b"US", bytes(3 * MIB))])
    await publisher.publish([Outgoing(topic, b"US", b"small")])
    await publisher.stop()
    assert await values(kafka_url, topic, partition_of(b"US", 4)) == [b"small"]


async def test_a_broker_that_is_away_is_retriable(unused_tcp_port: int) -> None:
    publisher = Publisher(f"127.0.0.1:{unused_tcp_port}", wait_seconds=5)
    with pytest.raises(Retriable):
        await publisher.start()
    with pytest.raises(Retriable):
        await publisher.publish([Outgoing("any", b"key", b"value")])
    await publisher.stop()
