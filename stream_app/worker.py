"""Puts a stage together: services, the handler, the Faust transport and the stage's background tasks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from agents.day_closes import DayCloses
from agents.news_articles import NewsArticles
from agents.price_closes import PriceCloses
from agents.rejection_limits import RejectionLimits
from agents.stage import Stage
from agents.text_refill import refill_text_vectors
from schemas.topics import TOPICS
from stream_app.clock import Clock
from stream_app.config import Settings
from stream_app.contexts.tasks import close_and_amend, compute
from stream_app.embedded import Endpoints
from stream_app.encoding import load_encoder
from stream_app.errors import Retriable
from stream_app.health import StageHealth
from stream_app.kafka import stage as transport
from stream_app.kafka.chunks import ChunkLimits
from stream_app.kafka.groups import group_id
from stream_app.kafka.stages import Stage as TransportStage
from stream_app.kafka.topics import check_topics, ensure_topics
from stream_app.outage import say_waiting, while_away
from stream_app.positions.comparing import require_same_logs
from stream_app.services import Services, open_services
from stream_app.store import progress, ready
from stream_app.store.database import ask, connection
from stream_app.store.stalled import end_stalled

ASK_SECONDS = 2.0
END_STALLED_SECONDS = 10.0
CHECK_LOGS_SECONDS = 60.0

Background = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A stage that is ready to run: its hooks, where its chunks are cut, and what runs beside it."""

    hooks: Stage
    limits: ChunkLimits
    background: Sequence[Background]


async def run_stage(
    settings: Settings,
    endpoints: Endpoints,
    name: str,
    *,
    stop: asyncio.Event | None = None,
    clock: Clock | None = None,
) -> None:
    """Run one of STAGES as `run_reporting` does, for a caller that does not ask for its health."""
    await run_reporting(settings, endpoints, StageHealth(name, settings.health_stall_seconds), stop=stop, clock=clock)


async def run_reporting(
    settings: Settings,
    endpoints: Endpoints,
    health: StageHealth,
    *,
    stop: asyncio.Event | None = None,
    clock: Clock | None = None,
) -> None:
    """Run the stage of `health` until SIGTERM or SIGINT (or `stop`, where given); it drains and returns.

    Raises what ended it otherwise. `clock` (none: the machine's) is the one that the stage asks for the time.
    """
    name = health.stage
    async with AsyncExitStack() as stack:
        stack.callback(asyncio.ensure_future(health.beat()).cancel)
        services = await stack.enter_async_context(open_services(settings, endpoints, clock))
        await while_away(lambda: _check_services(settings, endpoints))
        await while_away(lambda: _check_prefix(services))
        assembled = await STAGES[name](services, stack, health)
        assembled.hooks.limits = RejectionLimits.of(settings)
        log.info("stage %s is ready", name)
        await transport.run_stage(
            TransportStage(
                name=name,
                topic=assembled.hooks.topic,
                group_id=group_id(settings.topic_prefix, name),
                limits=assembled.limits,
                hooks=assembled.hooks,
                reads_by=health.reads_by,
            ),
            endpoints.kafka,
            settings,
            background=[
                _left_over(assembled.hooks),
                lambda: _ask_postgres(services),
                lambda: _end_stalled(services),
                lambda: _check_logs(services, endpoints),
                *assembled.background,
            ],
            stop=stop,
        )


async def _check_services(settings: Settings, endpoints: Endpoints) -> None:
    await ready.check(endpoints.database_url)
    await ensure_topics(endpoints.kafka, settings.topic_prefix, settings.topic_partitions, settings.topic_replication)


async def _check_prefix(services: Services) -> None:
    async with connection(services.pool) as conn:
        await progress.check_prefix(conn, services.settings.topic_prefix, [topic.name for topic in TOPICS])


async def _ask_postgres(services: Services) -> None:
    """Ask it for a sign of life, so that a stage with nothing to do knows as well that it is away or back."""
    while True:
        try:
            await ask(services.pool)
        except Retriable as error:
            say_waiting(log, "Postgres is asked again", error)
        await asyncio.sleep(ASK_SECONDS)


async def _end_stalled(services: Services) -> None:
    """Let nobody wait for ever for the locks of a worker that was stopped in the middle of a statement."""
    while True:
        await asyncio.sleep(END_STALLED_SECONDS)
        try:
            async with connection(services.pool) as conn:
                ended = await end_stalled(conn)
        except Retriable as error:
            say_waiting(log, "stalled connections are looked for again", error)
            continue
        if ended:
            log.warning("ended %d connections of a stopped process, whose locks others waited for", len(ended))


async def _check_logs(services: Services, endpoints: Endpoints) -> None:
    """See from time to time that the topics are what they were at the start, which nothing else tells a worker.

    Every stage looks at all inputs: a day must get no cut from the end of another log either.
    """
    while True:
        await asyncio.sleep(CHECK_LOGS_SECONDS)
        try:
            await check_topics(endpoints.kafka, services.settings.topic_prefix)
            await require_same_logs(services)
        except Retriable as error:
            say_waiting(log, "the topics are looked at again", error)


async def _prices(services: Services, stack: AsyncExitStack, health: StageHealth) -> Assembled:
    del stack, health
    hooks = PriceCloses(services)
    await while_away(hooks.register_models)
    return Assembled(hooks, _limits(services.settings), ())


async def _news(services: Services, stack: AsyncExitStack, health: StageHealth) -> Assembled:
    settings = services.settings
    health.loading_model()
    text = services.models.text
    encoder = await load_encoder(
        text.spec, settings.encode_token_budget, settings.encode_deadline_seconds, settings.text_device
    )
    stack.callback(encoder.close)
    health.model_loaded()
    limits = _limits(settings)
    hooks = NewsArticles(services, encoder, text.registered(encoder.fingerprint), limits)
    await while_away(hooks.register_models)
    await while_away(lambda: refill_text_vectors(services))
    return Assembled(hooks, limits, ())


async def _contexts(services: Services, stack: AsyncExitStack, health: StageHealth) -> Assembled:
    del stack, health
    # Built here, in a thread: they take seconds, and a region's unknown calendar is said at once.
    await asyncio.to_thread(services.calendars)
    background = (lambda: close_and_amend(services), lambda: compute(services))
    return Assembled(DayCloses(services), _limits(services.settings), background)


STAGES: dict[str, Callable[[Services, AsyncExitStack, StageHealth], Awaitable[Assembled]]] = {
    "prices": _prices,
    "news": _news,
    "contexts": _contexts,
}
"""The stages by name, in the order in which a worker starts them."""


def _limits(settings: Settings) -> ChunkLimits:
    return ChunkLimits(settings.chunk_records, settings.chunk_bytes)


def _left_over(hooks: Stage) -> Background:
    interval_seconds = hooks.services.settings.republish_seconds

    async def publish() -> None:
        while True:
            try:
                await hooks.publish_left_over(interval_seconds)
            except Retriable as error:
                say_waiting(log, "publishing what was left over waits", error)
            await asyncio.sleep(interval_seconds)

    return publish
