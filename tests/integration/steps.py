"""The stages' own handlers over the real log and the real database, taken a step at a time.

A test of an order of events decides that order here; what runs by itself is tested with `Pipeline.start`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents.day_closes import DayCloses
from agents.news_articles import NewsArticles
from agents.price_closes import PriceCloses
from agents.stage import Stage
from stream_app.contexts.closer import Closer
from stream_app.contexts.computing import Computing, register_models
from stream_app.encoding import TextEncoder
from stream_app.kafka.chunks import TP, Chunk, ChunkLimits
from stream_app.kafka.stages import AssignedLog
from stream_app.services import Services
from tests.integration.pipeline import Pipeline
from tests.integration.text_models import QuickModel


class Steps:
    """One worker's stages. Nothing happens but what a test asks for."""

    def __init__(self, services: Services, encoder: TextEncoder) -> None:
        settings = services.settings
        limits = ChunkLimits(settings.chunk_records, settings.chunk_bytes)
        self.services = services
        self.prices = PriceCloses(services)
        self.news = NewsArticles(services, encoder, services.models.text.registered(encoder.fingerprint), limits)
        self.triggers = DayCloses(services)
        self.closer = Closer(services)
        self._positions: dict[TP, int] = {}

    async def register_models(self) -> None:
        """What the stages do before they read."""
        await self.prices.register_models()
        await self.news.register_models()

    async def apply(self, *stages: Stage) -> None:
        """Let stages (none: all three) apply what their topics hold, partition by partition, once each."""
        for stage in stages or (self.prices, self.news, self.triggers):
            for chunk in [chunk async for chunk in self.chunks(stage)]:
                await stage.handle(chunk)
                self._positions[chunk.tp] = chunk.last_offset + 1

    async def chunks(self, stage: Stage) -> AsyncIterator[Chunk]:
        """What a stage would be handed next."""
        log, topic = self.services.log, stage.topic
        starts, ends = await log.start_offsets(topic), await log.end_offsets(topic)
        for partition, (log_start, end) in enumerate(zip(starts, ends, strict=True)):
            tp = TP(topic, partition)
            if tp not in self._positions:
                self._positions |= await stage.start_offsets({tp: AssignedLog(None, log_start, end)})
            if self._positions[tp] < end:
                async for records in log.records(topic, partition, self._positions[tp], end):
                    yield Chunk(topic, partition, 1, records)

    def rewind(self, stage: Stage) -> None:
        """Let a stage's records be delivered again from the start of its topic."""
        for partition in range(self.services.settings.topic_partitions):
            self._positions[TP(stage.topic, partition)] = 0

    async def compute(self) -> None:
        """Store the triggers of the log, then compute and publish until nothing can be done."""
        await self.apply(self.triggers)
        models = await register_models(self.services)
        assert models is not None
        computing = Computing(self.services, models)
        while await computing.work():
            pass

    async def close_and_compute(self) -> None:
        """One pass of the closer, and what follows from it."""
        await self.apply(self.triggers)
        await self.closer.run_once()
        await self.compute()


@asynccontextmanager
async def stepping(path: Pipeline, model: QuickModel) -> AsyncIterator[Steps]:
    """Steps over a pipeline's topics and database."""
    encoder = model.encoder()
    try:
        steps = Steps(path.services, encoder)
        await steps.register_models()
        yield steps
    finally:
        encoder.close()
