"""Puts a stage together: services, the handler, the Faust transport and the stage's background tasks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from agents.day_closes import DayCloses
from agents.news_articles import NewsArticles
from agents.price_closes import PriceCloses
from agents.stage import Stage
from agents.text_refill import refill_text_vectors
from schemas.topics import TOPICS
from stream_app.clock import Clock
from stream_app.config import Settings
from stream_app.contexts.models import text_model
from stream_app.contexts.tasks import close_and_amend, compute
from stream_app.embedded import Endpoints
from stream_app.encoding import TextEncoder
from stream_app.errors import Retriable
from stream_app.kafka import stage as transport
from stream_app.kafka.chunks import ChunkLimits
from stream_app.kafka.stages import Stage as TransportStage
from stream_app.kafka.topics import ensure_topics
from stream_app.outage import say_waiting, while_away
from stream_app.services import Services, open_services
from stream_app.store import migrate, progress
from stream_app.store.database import connection

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
    """Run one of STAGES until SIGTERM or SIGINT (or `stop`, where given); it drains and returns.

    Raises what ended it otherwise. `clock` (none: the machine's) is the one that the stage asks for the time.
    """
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings, endpoints, clock))
        await while_away(lambda: _check_services(settings, endpoints))
        await while_away(lambda: _check_prefix(services))
        assembled = await STAGES[name](services, stack)
        log.info("stage %s is ready", name)
        await transport.run_stage(
            TransportStage(
                name=name,
                topic=assembled.hooks.topic,
                group_id=f"{settings.topic_prefix}{name}",
                limits=assembled.limits,
                hooks=assembled.hooks,
            ),
            endpoints.kafka_url,
            settings,
            background=[_left_over(assembled.hooks), *assembled.background],
            stop=stop,
        )


async def _check_services(settings: Settings, endpoints: Endpoints) -> None:
    await migrate.check(endpoints.database_url)
    await ensure_topics(
        endpoints.kafka_url, settings.topic_prefix, settings.topic_partitions, settings.topic_replication
    )


async def _check_prefix(services: Services) -> None:
    async with connection(services.pool) as conn:
        await progress.check_prefix(conn, services.settings.topic_prefix, [topic.name for topic in TOPICS])


async def _prices(services: Services, stack: AsyncExitStack) -> Assembled:
    del stack
    hooks = PriceCloses(services)
    await while_away(hooks.register_model)
    return Assembled(hooks, _limits(services.settings), ())


async def _news(services: Services, stack: AsyncExitStack) -> Assembled:
    settings = services.settings
    encoder = await asyncio.to_thread(
        TextEncoder.load, settings.text_model, settings.encode_token_budget, settings.encode_deadline_seconds
    )
    stack.callback(encoder.close)
    limits = _limits(settings)
    hooks = NewsArticles(services, encoder, text_model(settings, encoder.fingerprint), limits)
    await while_away(hooks.register_model)
    await while_away(lambda: refill_text_vectors(services))
    return Assembled(hooks, limits, ())


async def _contexts(services: Services, stack: AsyncExitStack) -> Assembled:
    del stack
    # Built here, in a thread: they take seconds, and a region's unknown calendar is said at once.
    await asyncio.to_thread(services.calendars)
    background = (lambda: close_and_amend(services), lambda: compute(services))
    return Assembled(DayCloses(services), _limits(services.settings), background)


STAGES: dict[str, Callable[[Services, AsyncExitStack], Awaitable[Assembled]]] = {
    "prices": _prices,
    "news": _news,
    "contexts": _contexts,
}
"""The stages by name, in the order in which a worker starts them."""


def _limits(settings: Settings) -> ChunkLimits:
    return ChunkLimits(settings.chunk_records, settings.chunk_bytes)


def _left_over(hooks: Stage) -> Background:
    async def publish() -> None:
        while True:
            try:
                await hooks.publish_left_over()
            except Retriable as error:
                say_waiting(log, "publishing what was left over waits", error)
            await asyncio.sleep(hooks.services.settings.republish_seconds)

    return publish
