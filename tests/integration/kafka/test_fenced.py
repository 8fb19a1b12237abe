"""Lanes with one writer at a time, on the real broker."""

import asyncio
import gc
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import ProducerFenced

from stream_app.errors import FenceLost, Retriable
from stream_app.kafka import fenced
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.fenced import MOST_PRODUCERS, FencedPublisher
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.producing import Acknowledged, Outgoing, give_up, send, started

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


async def test_a_lane_is_read_again_that_was_given_up_for_others(
    kafka: KafkaAccess, topic: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = FencedPublisher(kafka, topic_prefix)

    async def take_others() -> None:
        for number in range(MOST_PRODUCERS):
            await publisher.take(f"other-{number}")

    async def send_last(producer: AIOKafkaProducer, records: Sequence[Outgoing], acknowledged: Acknowledged) -> None:
        await take_others()
        await send(producer, records, acknowledged)

    await publisher.take(LANE)
    await take_others()
    with pytest.raises(FenceLost):
        await publisher.publish(LANE, rows(topic, "given up"))
    monkeypatch.setattr(fenced, "send", send_last)
    await publisher.take(LANE)
    await publisher.publish(LANE, rows(topic, "in use"))
    await publisher.stop()
    assert await readable(kafka, topic) == ["in use"]


async def test_a_writer_that_kafka_has_forgotten_begins_anew(kafka: KafkaAccess, topic: str, topic_prefix: str) -> None:
    publisher = FencedPublisher(kafka, topic_prefix)
    await publisher.take(LANE)
    manager = publisher._producers[LANE]._txn_manager
    manager._pid_and_epoch = manager._pid_and_epoch._replace(pid=manager.producer_id + 1_000)
    with pytest.raises(FenceLost):
        await publisher.publish(LANE, rows(topic, "late"))
    await publisher.take(LANE)
    await publisher.publish(LANE, rows(topic, "anew"))
    await publisher.stop()
    assert await readable(kafka, topic) == ["anew"]


async def test_a_producer_that_is_refused_while_it_is_given_up_is_closed(
    kafka: KafkaAccess, topic: str, topic_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    slow, other = await started(kafka, transactional_id=f"{topic_prefix}{LANE}"), FencedPublisher(kafka, topic_prefix)
    asking, held = asyncio.Event(), asyncio.Event()
    ask = slow.client.send

    async def hold_the_end(node: int, request: object, **options: object) -> object:
        if type(request).__name__.startswith("EndTxn"):
            asking.set()
            await held.wait()
        return await ask(node, request, **options)

    slow.client.send = hold_the_end
    await slow.begin_transaction()
    await send(slow, rows(topic, "late"), asyncio.shield)
    ending = asyncio.create_task(slow.commit_transaction())
    await asking.wait()
    ending.cancel()
    await other.take(LANE)
    closing = asyncio.create_task(give_up(slow))
    await asyncio.sleep(0)  # it waits for the answer
    held.set()
    await closing
    await other.stop()
    gc.collect()
    assert slow._closed
    assert await readable(kafka, topic) == []
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def test_a_broker_that_knows_no_broker_yet_is_waited_for(
    kafka: KafkaAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was stopped for longer than its session tells so when it wakes."""
    monkeypatch.setattr(AIOKafkaClient, "get_random_node", lambda _: None)
    with pytest.raises(Retriable):
        await FencedPublisher(kafka, "").take(LANE)


async def test_a_lane_is_not_taken_while_the_broker_is_away(unused_tcp_port: int) -> None:
    publisher = FencedPublisher(KafkaAccess(f"127.0.0.1:{unused_tcp_port}"), "", wait_seconds=5)
    with pytest.raises(Retriable, match=f"beginning to publish as {LANE} failed"):
        await publisher.take(LANE)
    await publisher.stop()
