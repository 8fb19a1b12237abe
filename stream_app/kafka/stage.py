"""Running a stage: a Faust app and a consumer group of its own, until SIGTERM, SIGINT or an error."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import faust
from faust.app.base import BootStrategy
from faust.streams import Stream
from faust.types import StreamT

from stream_app.config import Settings
from stream_app.errors import Fatal
from stream_app.garbage import seldom_collected
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.consuming import rebalance_timeout_seconds, request_timeout_seconds
from stream_app.kafka.handling import StageRun
from stream_app.kafka.outage import FRAMEWORK, quiet_clients
from stream_app.kafka.stages import Stage
from stream_app.kafka.transport import BatchedConsumer, BatchedTransport

logger = logging.getLogger(__name__)

STOP_SECONDS = 15.0
BUFFER_CHUNKS = 4_096
"""Faust's buffer of an agent; two chunks a partition never fill it."""


class ConsumerOnly(BootStrategy):
    """Nothing of Faust's is published: no producer, no web server."""

    enable_kafka_producer = False
    enable_web = False


class StageApp(faust.App):
    """The Faust app of one stage. It makes no topic, no directory and no table."""

    BootStrategy = ConsumerOnly
    logger = FRAMEWORK

    def __init__(self, stage_run: StageRun, kafka: KafkaAccess) -> None:
        self.stage_run = stage_run
        settings = stage_run.settings
        super().__init__(
            stage_run.stage.group_id,
            broker=[f"kafka://{server}" for server in kafka.servers.split(",")],
            autodiscover=False,
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            stream_wait_empty=False,
            stream_buffer_maxsize=BUFFER_CHUNKS,
            broker_commit_interval=settings.commit_interval_seconds,
            broker_session_timeout=settings.session_timeout_seconds,
            broker_heartbeat_interval=settings.heartbeat_seconds,
            broker_rebalance_timeout=rebalance_timeout_seconds(settings),
            broker_request_timeout=request_timeout_seconds(settings),
        )
        self.transport = BatchedTransport(self, stage_run, kafka)
        self.agent(self.topic(stage_run.stage.topic, value_serializer="raw"), name=stage_run.stage.name)(self._consume)

    async def _consume(self, stream: StreamT[Any]) -> None:
        async for event in cast(Stream[Any], stream).noack().events():
            await self.stage_run.handle(event)

    def _create_directories(self) -> None:
        """Without tables there is nothing to keep in them."""


async def run_stage(
    stage: Stage,
    kafka: KafkaAccess,
    settings: Settings,
    *,
    background: Sequence[Callable[[], Awaitable[None]]] = (),
    stop: asyncio.Event | None = None,
) -> None:
    """Run the stage until SIGTERM or SIGINT (or `stop`, where given), drain, commit and return.

    Raises what ended it otherwise: an error of a hook or of a `background` coroutine, which run beside the stage and
    are cancelled at its end. While the broker is away, at the start or later, it waits for it.
    """
    quiet_clients()
    run = StageRun(stage, settings)
    stage.reads_by(run.ledger)
    app = StageApp(run, kafka)
    with _stopped_by(run, stop), seldom_collected():
        beside = [asyncio.ensure_future(work()) for work in background]
        watched = [asyncio.ensure_future(app.start()), *beside]
        for task in watched:
            task.add_done_callback(lambda done: _fail_with(run, done))
        watched.append(asyncio.ensure_future(_fail_when_crashed(run, app)))
        try:
            await run.until_ended()
            await _cancel(beside)
            await _consumer(app).drain(settings.drain_seconds)
        finally:
            await _stop(app)
            await _cancel(watched)


def _consumer(app: StageApp) -> BatchedConsumer:
    consumer = app.consumer
    assert isinstance(consumer, BatchedConsumer)
    return consumer


@contextmanager
def _stopped_by(run: StageRun, stop: asyncio.Event | None) -> Iterator[None]:
    if stop is not None:
        waiting = asyncio.ensure_future(stop.wait())
        waiting.add_done_callback(lambda _done: run.stop())
        try:
            yield
        finally:
            waiting.cancel()
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, run.stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _fail_with(run: StageRun, done: "asyncio.Future[Any]") -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        run.fail(error)


async def _fail_when_crashed(run: StageRun, app: StageApp) -> None:
    await app._crashed.wait()
    run.fail(app.crash_reason or Fatal(f"The stage {run.stage.name} stopped working."))


async def _stop(app: StageApp) -> None:
    """Stop the app; what does not end in time is left behind, as Faust swallows a cancellation."""
    stopping = asyncio.ensure_future(app.stop())
    await asyncio.wait([stopping], timeout=STOP_SECONDS)
    if not stopping.done():
        logger.warning("The stage did not stop within %.0f s and is left as it is.", STOP_SECONDS)
    elif stopping.exception() is not None:
        logger.warning("The stage did not stop cleanly: %r", stopping.exception())


async def _cancel(tasks: Sequence["asyncio.Future[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
