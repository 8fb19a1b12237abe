"""Lanes with one writer at a time, on the real broker."""

import asyncio
import gc

import pytest
from aiokafka.errors import ProducerFenced

from stream_app.errors import FenceLost, Retriable
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.fenced import MOST_PRODUCERS, FencedPublisher
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.producing import Outgoing, send, started

LANE = "contexts-US"


def rows(topic: str, *values: str) -> list[Outgoing]:
    """Records of one partition."""
    return [Outgoing(topic, b"key", value.encode(), partition=0) for value in values]


async def readable(kafka: KafkaAccess, topic: str) -> list[str]:
    """What a read_committed reader sees of the partition."""
    async with LogReader(kafka) as reader:
        end = (await reader.end_offsets(topic))[0]
        return [(r.value or b"").decode() async for batch in reader.records(topic, 0, 0, end) for r in batch]


async def test_who_took_a_lane_last_is_its_only_writer(
    kafka: KafkaAccess, topic: str, topic_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (FencedPublisher(kafka, topic_prefix) for _ in range(2))
    await first.take(LANE)
    await first.publish(LANE, rows(topic, "a", "b"))
    await first.take(LANE)
    await second.take(LANE)
    await second.publish(LANE, rows(topic, "c"))
    with pytest.raises(FenceLost):
        await first.publish(LANE, rows(topic, "late"))
    await first.take(LANE)
    await first.publish(LANE, rows(topic, "d"))
    with pytest.raises(FenceLost):
        await second.publish(LANE, rows(topic, "late"))
    await first.stop()
    await second.stop()
    gc.collect()
    assert await readable(kafka, topic) == ["a", "b", "c", "d"]
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def test_taking_a_lane_undoes_what_its_last_writer_has_begun(
    kafka: KafkaAccess, topic: str, topic_prefix: str
) -> None:
    stopped = await started(kafka, transactional_id=f"{topic_prefix}{LANE}")
    await stopped.begin_transaction()
    await send(stopped, rows(topic, "begun"), asyncio.shield)
    other = FencedPublisher(kafka, topic_prefix)
    await other.take(LANE)
    await other.publish(LANE, rows(topic, "after"))
    with pytest.raises(ProducerFenced):
        await stopped.commit_transaction()
    assert await readable(kafka, topic) == ["after"]
    await stopped.stop()
    await other.stop()


async def test_lanes_do_not_fence_one_another(kafka: KafkaAccess, topic: str, topic_prefix: str) -> None:
    lanes = [f"contexts-{number}" for number in range(MOST_PRODUCERS + 2)]
    publisher = FencedPublisher(kafka, topic_prefix)
    for _ in range(2):
        for lane in lanes:
            await publisher.take(lane)
            await publisher.publish(lane, rows(topic, lane))
    await publisher.stop()
    assert await readable(kafka, topic) == lanes * 2


async def test_a_lane_is_not_taken_while_the_broker_is_away(unused_tcp_port: int) -> None:
    publisher = FencedPublisher(KafkaAccess(f"127.0.0.1:{unused_tcp_port}"), "", wait_seconds=5)
    with pytest.raises(Retriable, match=f"beginning to publish as {LANE} failed"):
        await publisher.take(LANE)
    await publisher.stop()
