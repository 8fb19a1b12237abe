"""A stage as the worker runs it, from a filled topic of the real broker into the real Postgres, timed."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from agents.news_articles import NewsArticles
from agents.price_closes import PriceCloses
from schemas.topics import Topic
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.chunks import TP, Chunk, ChunkLimits
from stream_app.kafka.producing import Outgoing
from stream_app.kafka.stage import run_stage
from stream_app.kafka.stages import AssignedLog, StageHooks
from stream_app.kafka.stages import Stage as TransportStage
from stream_app.kafka.topics import ensure_topics
from stream_app.services import Services
from stream_app.store.database import connection

FILL_RECORDS = 10_000
TABLES = (
    "prices_daily, prices_history, numeric_window_embeddings, news_articles, news_history, text_vectors, "
    "text_embeddings, late_marks, dead_letters, ingest_progress"
)

MadeStage = Callable[[Services, ChunkLimits], PriceCloses | NewsArticles]


@dataclass(slots=True)
class Timed:
    """A stage's hooks, and the time from the first chunk until so many records are handled."""

    hooks: StageHooks
    records: int
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    began: float = 0.0
    seconds: float = 0.0

    async def start_offsets(self, logs: Mapping[TP, AssignedLog]) -> Mapping[TP, int]:
        """The stage's."""
        return await self.hooks.start_offsets(logs)

    async def handle(self, chunk: Chunk) -> None:
        """The stage's."""
        self.began = self.began or time.perf_counter()
        await self.hooks.handle(chunk)
        self.records -= len(chunk.records)
        if self.records == 0:
            self.seconds = time.perf_counter() - self.began
            self.stop.set()

    async def revoked(self, tps: Collection[TP]) -> None:
        """The stage's."""
        await self.hooks.revoked(tps)

    async def idle(self, tp: TP, position: int) -> None:
        """The stage's."""
        await self.hooks.idle(tp, position)


@dataclass(frozen=True, slots=True)
class FilledTopic:
    """A topic of so many records, and how the stage that reads it is made."""

    services: Services
    kafka: KafkaAccess
    topic: Topic
    make: MadeStage
    records: int
    groups: "count[int]" = field(default_factory=count)

    async def rate(self) -> float:
        """Records a second, into empty tables."""
        settings = self.services.settings
        await empty(self.services)
        limits = ChunkLimits(settings.chunk_records, settings.chunk_bytes)
        hooks = self.make(self.services, limits)
        await hooks.register_models()
        timed = Timed(hooks, self.records)
        group = f"{settings.topic_prefix}{next(self.groups)}"
        stage = TransportStage(self.topic.name, hooks.topic, group, limits, timed)
        await run_stage(stage, self.kafka, settings, stop=timed.stop)
        return self.records / timed.seconds


async def empty(services: Services) -> None:
    """Every run begins with empty tables."""
    async with connection(services.pool) as conn:
        await conn.execute(f"TRUNCATE {TABLES}")
        await conn.execute("CHECKPOINT")


async def filled(
    services: Services, kafka: KafkaAccess, topic: Topic, make: MadeStage, records: Sequence[tuple[bytes, bytes]]
) -> FilledTopic:
    """The topic, once it holds the records (keys and values), spread evenly over the partitions."""
    settings, name = services.settings, services.topic(topic.name)
    await ensure_topics(kafka, settings.topic_prefix, settings.topic_partitions, settings.topic_replication)
    outgoing = [Outgoing(name, key, value, b"%d" % number) for number, (key, value) in enumerate(records)]
    for first in range(0, len(outgoing), FILL_RECORDS):
        await services.publisher.publish(outgoing[first : first + FILL_RECORDS])
    return FilledTopic(services, kafka, topic, make, len(records))
