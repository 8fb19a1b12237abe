"""Reading the log by offset on the real broker."""

import pytest
from aiokafka import AIOKafkaProducer

from stream_app.errors import Fatal, Retriable
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.offsets import LogReader
from tests.integration.kafka.recording import eventually, publish


async def offsets(reader: LogReader, topic: str, start: int, end: int) -> list[int]:
    """The offsets that a range of partition 0 gives."""
    return [record.offset async for batch in reader.records(topic, 0, start, end) for record in batch]


async def test_ends_and_starts_are_told_by_partition(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, {0: 3, 2: 7})
    async with LogReader(kafka) as reader:
        assert await reader.end_offsets(topic) == (3, 0, 7, 0)
        assert await reader.start_offsets(topic) == (0, 0, 0, 0)


async def test_the_end_stays_below_an_open_transaction(kafka: KafkaAccess, topic: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.servers, transactional_id=topic)
    await producer.start()
    await publish(kafka, topic, {0: 3})
    async with LogReader(kafka) as reader:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"hidden", partition=0)
        await publish(kafka, topic, {0: 2})
        assert await reader.end_offsets(topic) == (3, 0, 0, 0)
        await producer.abort_transaction()

        async def the_end_has_moved() -> bool:
            return await reader.end_offsets(topic) == (7, 0, 0, 0)

        await eventually(the_end_has_moved)
        assert await offsets(reader, topic, 0, 7) == [0, 1, 2, 4, 5]
    await producer.stop()


async def test_a_range_is_read_from_its_start_to_below_its_end(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, {0: 6_000})
    async with LogReader(kafka) as reader:
        assert await offsets(reader, topic, 0, 6_000) == list(range(6_000))
        assert await offsets(reader, topic, 1_999, 2_003) == [1_999, 2_000, 2_001, 2_002]
        assert await offsets(reader, topic, 5, 5) == []
        sizes = [len(batch) async for batch in reader.records(topic, 0, 0, 6_000)]
    assert max(sizes) <= 2_000


async def test_a_range_before_the_log_is_fatal(kafka: KafkaAccess, topic: str) -> None:
    async with LogReader(kafka) as reader:
        with pytest.raises(Fatal, match="does not hold the offset"):
            await offsets(reader, topic, 5, 9)


async def test_the_last_record_at_an_offset_is_found_behind_offsets_without_records(
    kafka: KafkaAccess, topic: str
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.servers, transactional_id=topic)
    await producer.start()
    await publish(kafka, topic, {0: 2})
    await producer.begin_transaction()
    batch = producer.create_batch()
    for _ in range(100):
        batch.append(key=None, value=b"aborted", timestamp=None)
    await (await producer.send_batch(batch, topic, partition=0))
    await producer.abort_transaction()
    await producer.stop()
    async with LogReader(kafka) as reader:

        async def the_end_has_moved() -> bool:
            return (await reader.end_offsets(topic))[0] == 103

        await eventually(the_end_has_moved)
        last, first = await reader.record_at(topic, 0, 102), await reader.record_at(topic, 0, 0)
        assert last is not None
        assert first is not None
        assert (last.offset, first.offset) == (1, 0)
        assert await reader.record_at(topic, 1, 10) is None


async def test_a_topic_that_is_not_there_or_a_broker_that_is_away_is_retriable(
    kafka: KafkaAccess, unused_tcp_port: int
) -> None:
    async with LogReader(kafka) as reader:
        with pytest.raises(Retriable, match="nowhere"):
            await reader.end_offsets("nowhere")
    with pytest.raises(Retriable):
        await LogReader(KafkaAccess(f"127.0.0.1:{unused_tcp_port}")).end_offsets("any")
