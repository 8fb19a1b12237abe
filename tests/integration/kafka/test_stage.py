"""A stage on the real broker: in order, bounded, each chunk once, and nothing committed that was not handled."""

import asyncio
import logging
import os
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from stream_app.config import load_settings
from stream_app.errors import Fatal, OwnershipLost, Retriable
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.chunks import TP, Chunk, still_owned
from stream_app.kafka.ledger import PENDING_CHUNKS, Ledger
from stream_app.kafka.stage import run_stage
from stream_app.kafka.stages import AssignedLog
from stream_app.kafka.transport import FETCH_CHUNKS
from tests.integration.kafka.recording import (
    Recorder,
    Running,
    committed,
    eventually,
    publish,
    stage,
)

ALL = {0: 120, 1: 45, 2: 10, 3: 1}


async def test_every_record_is_handled_once_and_in_order_and_then_committed(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, ALL)
    recorder = Recorder()
    async with Running(kafka, stage(topic, recorder)):
        await recorder.until(lambda: recorder.count() == sum(ALL.values()))
    assert recorder.offsets() == {partition: list(range(count)) for partition, count in ALL.items()}
    assert await committed(kafka, topic) == ALL


async def test_offsets_are_committed_while_the_stage_runs(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, {1: 25})
    async with Running(kafka, stage(topic, Recorder())):
        await eventually(lambda: _is_committed(kafka, topic, {1: 25}))


async def test_two_workers_share_the_partitions_and_each_record_is_handled_once(kafka: KafkaAccess, topic: str) -> None:
    first = Recorder()
    second = Recorder(chunks=first.chunks, changed=first.changed)
    async with Running(kafka, stage(topic, first)):
        await publish(kafka, topic, ALL)
        await first.until(lambda: first.count() == sum(ALL.values()))
        async with Running(kafka, stage(topic, second)):
            await second.until(lambda: len(second.logs) == 2)
            await publish(kafka, topic, ALL)
            await second.until(lambda: len({chunk.partition for chunk in second.begun}) == 2)
        await publish(kafka, topic, ALL)
        await first.until(lambda: first.count() == 3 * sum(ALL.values()))
    assert first.offsets() == {partition: list(range(3 * count)) for partition, count in ALL.items()}
    assert len(second.begun) > 0
    assert await committed(kafka, topic) == {partition: 3 * count for partition, count in ALL.items()}


async def test_a_long_partition_does_not_hold_up_the_others(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, {0: 3_000})
    await publish(kafka, topic, {1: 10, 2: 10, 3: 10})

    async def wait_for_all_partitions(chunk: Chunk) -> None:
        assert isinstance(chunk.owner, Ledger)
        if len(recorder.begun) == 1:
            await eventually(partial(_all_have_come, chunk.owner))

    recorder = Recorder(wait_for_all_partitions)
    async with Running(kafka, stage(topic, recorder)):
        await recorder.until(lambda: recorder.count() == 3_030)
    others = [number for number, chunk in enumerate(recorder.chunks) if chunk.partition != 0]
    assert max(others) < 10, "the short partitions come before most of the 300 chunks of the long one"


async def test_while_the_handler_is_slow_little_is_fetched(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, dict.fromkeys(range(4), 3_000))
    go_on = asyncio.Event()

    async def wait(_chunk: Chunk) -> None:
        await go_on.wait()

    recorder = Recorder(wait)
    async with Running(kafka, stage(topic, recorder)):
        await recorder.until(lambda: bool(recorder.begun))
        ledger = recorder.begun[0].owner
        assert isinstance(ledger, Ledger)
        await eventually(lambda: _nothing_more_is_asked_for(ledger))
        pending = [partition.unacked for partition in ledger._open.values()]
        assert min(pending) >= PENDING_CHUNKS
        assert sum(pending) <= 4 * (FETCH_CHUNKS + PENDING_CHUNKS)
        assert max(partition.taken for partition in ledger._open.values()) <= PENDING_CHUNKS
        go_on.set()
        await recorder.until(lambda: recorder.count() == 12_000)
    assert recorder.offsets() == {partition: list(range(3_000)) for partition in range(4)}


class Panic(BaseException):
    """As what a library written in Rust raises when it panics."""


@pytest.mark.parametrize("kind", [ZeroDivisionError, Panic])
async def test_an_error_of_the_handler_ends_the_stage_and_nothing_after_it_is_committed(
    kafka: KafkaAccess, topic: str, kind: type[BaseException]
) -> None:
    await publish(kafka, topic, {0: 100})

    async def fail_on_the_third(chunk: Chunk) -> None:
        if chunk.first_offset == 20:
            raise kind("the third chunk")

    recorder = Recorder(fail_on_the_third)
    with pytest.raises(kind):
        await run_stage(stage(topic, recorder), kafka, load_settings())
    assert recorder.offsets() == {0: list(range(20))}
    assert await committed(kafka, topic) == {0: 20}


async def test_an_error_beside_the_stage_ends_it(kafka: KafkaAccess, topic: str) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("beside")

    with pytest.raises(ZeroDivisionError):
        await run_stage(stage(topic, Recorder()), kafka, load_settings(), background=[fail])


async def test_a_revocation_waits_for_the_chunk_in_its_handler_which_then_comes_once(
    kafka: KafkaAccess, topic: str
) -> None:
    await publish(kafka, topic, {0: 10, 1: 10, 2: 10, 3: 10})
    go_on = asyncio.Event()

    async def wait(_chunk: Chunk) -> None:
        await go_on.wait()

    first = Recorder(wait)
    second = Recorder(changed=first.changed)
    async with Running(kafka, stage(topic, first)):
        await first.until(lambda: len(first.begun) == 1)
        ledger = first.begun[0].owner
        assert isinstance(ledger, Ledger)
        async with Running(kafka, stage(topic, second)):
            await eventually(lambda: _is_closing(ledger))
            assert still_owned(first.begun[0])
            assert not second.logs
            go_on.set()
            await second.until(lambda: len(second.logs) == 2)
            assert not still_owned(first.begun[0])
            assert set(first.lost) == {TP(topic, partition) for partition in range(4)}
            await first.until(lambda: first.count() + second.count() == 40)
    handled = [(chunk.partition, chunk.first_offset) for chunk in first.chunks + second.chunks]
    assert sorted(handled) == [(partition, 0) for partition in range(4)]


async def test_a_handler_that_outlives_the_wait_loses_its_chunk_to_the_next_owner(
    kafka: KafkaAccess, topic: str
) -> None:
    await publish(kafka, topic, {0: 10})
    go_on = asyncio.Event()

    async def give_up_when_lost(chunk: Chunk) -> None:
        await go_on.wait()
        if not still_owned(chunk):
            raise OwnershipLost("the partition went")

    first = Recorder(give_up_when_lost)
    second = Recorder(changed=first.changed)
    async with Running(kafka, stage(topic, first), load_settings({"revoke_wait_seconds": 0.1})):
        await first.until(lambda: len(first.begun) == 1)
        async with Running(kafka, stage(topic, second)):
            await second.until(lambda: len(second.logs) == 2)
            assert await committed(kafka, topic) == {}
            go_on.set()
            await first.until(lambda: first.count() + second.count() == 10)
    assert len(first.begun) + len(second.begun) == 2


async def test_a_chunk_given_up_without_need_is_loud(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, {0: 10})

    async def give_up(_chunk: Chunk) -> None:
        raise OwnershipLost("by mistake")

    with pytest.raises(Fatal, match=r"prices\.closes\[0\] 0-9"):
        await run_stage(stage(topic, Recorder(give_up)), kafka, load_settings())


async def test_the_stage_decides_where_to_begin(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, {0: 20, 1: 20})
    starts = {TP(topic, 0): 7, TP(topic, 1): 0, TP(topic, 2): 0, TP(topic, 3): 0}
    recorder = Recorder(start=lambda _logs: starts)
    async with Running(kafka, stage(topic, recorder)):
        await recorder.until(lambda: recorder.count() == 33)
    assert recorder.offsets() == {0: list(range(7, 20)), 1: list(range(20))}
    assert recorder.logs[TP(topic, 0)] == AssignedLog(committed=None, log_start=0, log_end=20)
    again = Recorder(start=lambda _logs: starts)
    async with Running(kafka, stage(topic, again)):
        await again.until(lambda: again.count() == 33)
    assert again.logs[TP(topic, 0)] == AssignedLog(committed=20, log_start=0, log_end=20)


async def test_a_start_that_cannot_be_known_yet_is_asked_for_again(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, {0: 5})
    answers: list[Exception] = [Retriable("the database is away")]

    def start(logs: Mapping[TP, AssignedLog]) -> Mapping[TP, int]:
        if answers:
            raise answers.pop()
        return dict.fromkeys(logs, 0)

    recorder = Recorder(start=start)
    async with Running(kafka, stage(topic, recorder)):
        await recorder.until(lambda: recorder.count() == 5)


async def test_a_fatal_start_ends_the_stage(kafka: KafkaAccess, topic: str) -> None:
    def start(_logs: Mapping[TP, AssignedLog]) -> Mapping[TP, int]:
        raise Fatal("the topic was made anew")

    with pytest.raises(Fatal, match="made anew"):
        await run_stage(stage(topic, Recorder(start=start)), kafka, load_settings())


async def test_an_offset_that_the_log_no_longer_holds_is_fatal_and_never_a_jump(kafka: KafkaAccess, topic: str) -> None:
    await publish(kafka, topic, {0: 20})
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=10)})
    await admin.close()
    recorder = Recorder(start=lambda logs: dict.fromkeys(logs, 0))
    with pytest.raises(Fatal, match="no longer holds"):
        await run_stage(stage(topic, recorder), kafka, load_settings())
    assert recorder.logs[TP(topic, 0)].log_start == 10
    assert not recorder.begun


async def test_an_open_transaction_hides_its_records_and_an_aborted_one_moves_the_end(
    kafka: KafkaAccess, topic: str
) -> None:
    recorder = Recorder()
    producer = AIOKafkaProducer(bootstrap_servers=kafka.servers, transactional_id=topic)
    await producer.start()
    await publish(kafka, topic, {0: 3})
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"hidden", partition=0)
    await publish(kafka, topic, {0: 2, 1: 5})
    async with Running(kafka, stage(topic, recorder)):
        await recorder.until(lambda: recorder.count() == 8)
        assert recorder.logs[TP(topic, 0)].log_end == 3
        assert recorder.offsets()[0] == [0, 1, 2]
        await producer.abort_transaction()
        await recorder.until(lambda: recorder.count() == 10)
        assert recorder.offsets()[0] == [0, 1, 2, 4, 5]
        # the abort's marker is at offset 6
        await recorder.until(lambda: recorder.idled.get(TP(topic, 0)) == 7)
    await producer.stop()
    assert set(recorder.idled) == {TP(topic, 0)}


async def test_a_heartbeat_that_the_client_cannot_place_does_not_end_the_stage(
    kafka: KafkaAccess, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = GroupCoordinator._do_heartbeat
    troubles = [KafkaError("the coordinator is loading"), KafkaError("the coordinator is still loading")]

    async def troubled(self: GroupCoordinator) -> bool:
        if troubles:
            raise troubles.pop()
        alive: bool = await heartbeat(self)
        return alive

    monkeypatch.setattr(GroupCoordinator, "_do_heartbeat", troubled)
    await publish(kafka, topic, {0: 5})
    recorder = Recorder()
    async with Running(kafka, stage(topic, recorder), load_settings({"heartbeat_seconds": 0.2})):
        await recorder.until(lambda: not troubles and len(recorder.lost) == 8)
        await publish(kafka, topic, {0: 5})
        await recorder.until(lambda: recorder.count() == 10)
    assert recorder.offsets() == {0: list(range(10))}


async def test_faust_makes_no_topic_and_leaves_nothing_in_the_working_directory(
    kafka: KafkaAccess, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = await _topics(kafka)
    await publish(kafka, topic, {0: 1})
    recorder = Recorder()
    async with Running(kafka, stage(topic, recorder)):
        await recorder.until(lambda: recorder.count() == 1)
    assert set(await _topics(kafka)) - set(before) <= {"__consumer_offsets"}
    assert os.listdir(tmp_path) == []


async def test_a_stage_that_has_nothing_to_say_says_nothing(
    kafka: KafkaAccess, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    await publish(kafka, topic, {0: 1})
    recorder = Recorder()
    with caplog.at_level(logging.INFO):
        async with Running(kafka, stage(topic, recorder)):
            await recorder.until(lambda: recorder.count() == 1)
    ours = [record for record in caplog.records if not record.name.startswith("aiokafka")]
    assert [record.getMessage() for record in ours] == []
    assert not logging.getLogger("aiokafka").propagate


async def _is_committed(kafka: KafkaAccess, topic: str, wanted: Mapping[int, int]) -> bool:
    return await committed(kafka, topic) == wanted


async def _nothing_more_is_asked_for(ledger: Ledger) -> bool:
    await asyncio.to_thread(os.sched_yield)
    return not ledger.ready()


async def _all_have_come(ledger: Ledger) -> bool:
    await asyncio.to_thread(os.sched_yield)
    return all(partition.unacked for partition in ledger._open.values())


async def _is_closing(ledger: Ledger) -> bool:
    await asyncio.to_thread(os.sched_yield)
    return ledger._closing


async def _topics(kafka: KafkaAccess) -> Collection[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    topics: Collection[str] = await admin.list_topics()
    await admin.close()
    return topics
