"""The broker goes away and comes back: stages and publishers go on by themselves, and say so in a few lines."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from stream_app.embedded import Endpoints, start
from stream_app.embedded.kafka import Kafka
from stream_app.errors import Retriable
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.fenced import FencedPublisher
from stream_app.kafka.producing import Outgoing
from stream_app.kafka.publisher import Publisher
from stream_app.kafka.topics import ensure_topics
from tests.conftest import stopped_at_the_end
from tests.integration.kafka.recording import Recorder, Running, committed, publish, stage

TOPIC, LANE = "prices.closes", "contexts-US"
KILL_SECONDS = 10.0


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Kafka]:
    """A broker of the test's own, running."""
    with stopped_at_the_end(tmp_path):
        await back(tmp_path)
        yield Kafka(tmp_path)


async def back(folder: Path) -> Endpoints:
    """Start the folder's broker again."""
    return await asyncio.to_thread(start, folder)


async def test_a_stage_and_a_publisher_outlive_an_outage(
    broker: Kafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kafka = KafkaAccess(broker.url)
    await ensure_topics(kafka, "", 4, 1)
    await publish(kafka, TOPIC, {0: 10})
    recorder, publisher = Recorder(), Publisher(kafka, wait_seconds=1)
    await publisher.start()
    async with Running(kafka, stage(TOPIC, recorder)):
        await recorder.until(lambda: recorder.count() == 10)
        caplog.clear()
        with caplog.at_level(logging.INFO, logger="stream_app"):
            await asyncio.to_thread(broker.stop)
            rows = [Outgoing(TOPIC, b"US", b"%d" % number) for number in range(20)]
            refused = 0
            while refused < 4:
                with pytest.raises(Retriable):
                    await publisher.publish(rows)
                refused += 1
            await back(tmp_path)
            await _until_published(lambda: publisher.publish(rows))
            await recorder.until(lambda: recorder.count() >= 30)
    await publisher.stop()
    for offsets in recorder.offsets().values():
        assert offsets == list(range(len(offsets)))
    ends = {partition: len(offsets) for partition, offsets in recorder.offsets().items()}
    assert await committed(kafka, TOPIC) == ends
    ours = [record for record in caplog.records if record.name.startswith("stream_app")]
    assert ours[0].getMessage().startswith("Kafka does not answer")
    assert len(ours) < 10, [record.getMessage() for record in ours]


async def test_a_stage_started_before_its_broker_waits_for_it(broker: Kafka, tmp_path: Path) -> None:
    kafka = KafkaAccess(broker.url)
    await ensure_topics(kafka, "", 4, 1)
    await publish(kafka, TOPIC, {0: 10})
    await asyncio.to_thread(broker.stop)
    recorder = Recorder()
    async with Running(kafka, stage(TOPIC, recorder)):
        await back(tmp_path)
        await recorder.until(lambda: recorder.count() == 10)


async def test_a_stage_stops_while_its_broker_is_away(broker: Kafka) -> None:
    kafka = KafkaAccess(broker.url)
    await ensure_topics(kafka, "", 4, 1)
    await publish(kafka, TOPIC, {0: 10})
    recorder = Recorder()
    async with asyncio.timeout(60), Running(kafka, stage(TOPIC, recorder)):
        await recorder.until(lambda: recorder.count() == 10)
        await asyncio.to_thread(broker.stop)
    async with asyncio.timeout(20), Running(kafka, stage(TOPIC, Recorder())):
        pass


async def test_a_publisher_that_gives_up_while_its_broker_is_away_leaves_no_error_in_the_log(
    broker: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    kafka = KafkaAccess(broker.url)
    await ensure_topics(kafka, "", 4, 1)
    publisher, rows = Publisher(kafka, wait_seconds=3), [Outgoing(TOPIC, b"%d" % n, b"x") for n in range(20)]
    await publisher.publish(rows)
    await asyncio.to_thread(broker.daemon.end, signal.SIGKILL, KILL_SECONDS)
    with pytest.raises(Retriable):
        await publisher.publish(rows)
    await publisher.stop()
    await _nothing_is_left_behind(caplog)


async def test_a_lane_that_is_given_up_while_its_broker_is_away_leaves_no_error_in_the_log(
    broker: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    kafka = KafkaAccess(broker.url)
    await ensure_topics(kafka, "", 4, 1)
    publisher, rows = FencedPublisher(kafka, "", wait_seconds=3), [Outgoing(TOPIC, b"%d" % n, b"x") for n in range(20)]
    await _until_published(lambda: _take_and_publish(publisher, rows))
    await asyncio.to_thread(broker.daemon.end, signal.SIGKILL, KILL_SECONDS)
    with pytest.raises(Retriable):
        await publisher.publish(LANE, rows)
    await publisher.stop()
    await _nothing_is_left_behind(caplog)


async def _nothing_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    """What was given up leaves no error that nobody reads."""
    await asyncio.sleep(0)  # it is told of it
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def _take_and_publish(publisher: FencedPublisher, rows: list[Outgoing]) -> None:
    await publisher.take(LANE)
    await publisher.publish(LANE, rows)


async def _until_published(publish: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(Retriable):
                return await publish()
