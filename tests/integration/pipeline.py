"""The whole path in one process: stages, a database and topics of a test's own, and facts to wait for."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import msgspec
from aiokafka import AIOKafkaProducer
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from schemas import DeadLetter, JointRegimeContext, NewsArticle, PriceClose, encode
from schemas.topics import CONTEXTS, DEAD_LETTERS, NEWS, PRICES
from stream_app.clock import Clock
from stream_app.config import Settings, load_settings
from stream_app.contexts.closing import close_days
from stream_app.contexts.cut import read_cut
from stream_app.embedded import Endpoints
from stream_app.kafka.producing import Outgoing, partition_of
from stream_app.kafka.topics import ensure_topics
from stream_app.services import Services, open_services
from stream_app.store import progress
from stream_app.store.database import connection
from stream_app.worker import run_stage
from tests.models_file import with_models

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.05
RAW_MAX_BYTES = 16 * 1024 * 1024

Fact = TypeVar("Fact")


async def until(fact: Callable[[], Awaitable[Fact]], what: str, deadline_seconds: float = DEADLINE_SECONDS) -> Fact:
    """Ask until the answer is true; fails naming `what` when the time is up."""
    retrying = AsyncRetrying(
        retry=retry_if_result(lambda answer: not answer),
        wait=wait_fixed(POLL_SECONDS),
        stop=stop_after_delay(deadline_seconds),
    )

    async def ask() -> Fact:
        # of its own: a lambda that gives a coroutine is not awaited by tenacity, which takes the coroutine for true
        return await fact()

    try:
        return await retrying(ask)
    except RetryError:
        raise AssertionError(f"not within {deadline_seconds:g} s: {what}") from None


def close(instrument_id: str, day: dt.date, price: float, volume: float = 1e6, **more: Any) -> PriceClose:
    """A close."""
    return PriceClose(instrument_id=instrument_id, trade_date=day, close=price, volume=volume, **more)


def article(article_id: str, published_at: dt.datetime, headline: str, **more: Any) -> NewsArticle:
    """An English article."""
    return NewsArticle(
        article_id=article_id, published_at=published_at, headline=headline, language=more.pop("language", "en"), **more
    )


class Pipeline:
    """Stages that a test starts and stops, and what it sends them and reads of them."""

    def __init__(self, settings: Settings, endpoints: Endpoints, services: Services) -> None:
        self.settings = settings
        self.endpoints = endpoints
        self.services = services
        self._running: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}

    def start(self, *names: str) -> None:
        """Start stages (prices, news, contexts)."""
        for name in names:
            stop = asyncio.Event()
            task = asyncio.create_task(
                run_stage(self.settings, self.endpoints, name, stop=stop, clock=self.services.clock)
            )
            self._running[name] = (task, stop)

    async def stop(self, *names: str) -> None:
        """Drain stages; raises what ended one that was no longer running."""
        for name in names or tuple(self._running):
            task, stop = self._running.pop(name)
            stop.set()
            await task

    async def send(self, *events: PriceClose | NewsArticle) -> None:
        """Publish prices and news, each keyed as it must be."""
        await self.services.publisher.publish([self._outgoing(event) for event in events])

    async def send_to(self, partition: int, *events: PriceClose | NewsArticle) -> None:
        """Publish prices and news to one partition, wherever their keys belong."""
        elsewhere = self._keys_of_partitions()[partition]
        await self.services.publisher.publish(
            [replace(self._outgoing(event), partition_key=elsewhere) for event in events]
        )

    async def send_raw(
        self, topic: str, partition: int, *records: tuple[bytes | None, bytes | None], compression: str | None = None
    ) -> None:
        """Publish keys and values as they are, none included, to a partition of a topic named without its prefix."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.endpoints.kafka.servers, max_request_size=RAW_MAX_BYTES, compression_type=compression
        )
        await producer.start()
        try:
            for key, value in records:
                await producer.send_and_wait(self.services.topic(topic), value, key, partition)
        finally:
            await producer.stop()

    def _outgoing(self, event: PriceClose | NewsArticle) -> Outgoing:
        if isinstance(event, PriceClose):
            return Outgoing(self.services.topic(PRICES.name), event.instrument_id.encode(), encode(event))
        return Outgoing(self.services.topic(NEWS.name), event.article_id.encode(), encode(event))

    def _keys_of_partitions(self) -> dict[int, bytes]:
        """A key for each partition."""
        keys = [str(number).encode() for number in range(1000)]
        return {partition_of(key, self.settings.topic_partitions): key for key in keys}

    async def applied(self) -> None:
        """Wait until the stages have applied everything that is in the input topics now."""
        cut = await read_cut(self.services)

        async def reached() -> bool:
            self._raise_what_ended()
            async with connection(self.services.pool) as conn:
                return await progress.reached(conn, cut)

        await until(reached, "all inputs applied")

    async def close(self, region: str, *days: dt.date, force: bool = False) -> int:
        """Close days of a region."""
        return await close_days(self.services, region, days, force)

    async def revisions(self, region: str, *days: dt.date) -> list[JointRegimeContext]:
        """The stored revisions of days, in the order of day and revision; whether published or not."""
        rows = await self.fetch(
            "SELECT payload FROM joint_embedding_revisions "
            "WHERE region = $1 AND as_of_date = ANY($2::date[]) ORDER BY as_of_date, revision",
            region,
            days,
        )
        return [msgspec.json.decode(row["payload"], type=JointRegimeContext) for row in rows]

    async def revision(self, region: str, day: dt.date, number: int = 1) -> JointRegimeContext:
        """Wait for a revision to be on the topic; the newest copy of it."""

        async def published() -> JointRegimeContext | None:
            self._raise_what_ended()
            rows = await self.fetch(
                "SELECT payload FROM joint_embedding_revisions "
                "WHERE region = $1 AND as_of_date = $2 AND revision = $3 AND published",
                region,
                day,
                number,
            )
            return msgspec.json.decode(rows[0]["payload"], type=JointRegimeContext) if rows else None

        found = await until(published, f"revision {number} of {region} {day}")
        assert found is not None
        return found

    async def fetch(self, query: str, *parameters: Any) -> list[Any]:
        """Rows of the database."""
        async with connection(self.services.pool) as conn:
            rows: list[Any] = await conn.fetch(query, *parameters)
            return rows

    async def value(self, query: str, *parameters: Any) -> Any:
        """One value of the database."""
        return (await self.fetch(query, *parameters))[0][0]

    async def read(self, topic: str) -> list[Any]:
        """Every record of a topic (named without its prefix), partition by partition."""
        wire = self.services.topic(topic)
        starts, ends = await self.services.log.start_offsets(wire), await self.services.log.end_offsets(wire)
        records: list[Any] = []
        for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if start < end:
                async for batch in self.services.log.records(wire, partition, start, end):
                    records += batch
        return records

    async def contexts(self) -> list[JointRegimeContext]:
        """The contexts on the topic."""
        records = await self.read(CONTEXTS.name)
        return [msgspec.json.decode(record.value, type=JointRegimeContext) for record in records]

    async def dead_letters(self) -> list[DeadLetter]:
        """The dead letters on the topic."""
        records = await self.read(DEAD_LETTERS.name)
        return [msgspec.json.decode(record.value, type=DeadLetter) for record in records]

    def _raise_what_ended(self) -> None:
        for name, (task, _) in self._running.items():
            if task.done():
                task.result()
                raise AssertionError(f"the stage {name} ended by itself")


@asynccontextmanager
async def pipeline(
    endpoints: Endpoints, database_url: str, topic_prefix: str, *, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[Pipeline]:
    """A pipeline with no stage running; whatever the test starts is stopped at the end.

    Among the settings may stand what `with_models` makes a models file of.
    """
    own = Endpoints(endpoints.kafka, database_url)
    usual = {"topic_prefix": topic_prefix, "topic_partitions": 2, "amend_settle_seconds": 0}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        chosen = load_settings({**usual, **with_models(folder, settings)})
        await ensure_topics(own.kafka, topic_prefix, chosen.topic_partitions, 1)
        services = await stack.enter_async_context(open_services(chosen, own, clock))
        path = Pipeline(chosen, own, services)
        try:
            yield path
        finally:
            await path.stop()


@dataclass(frozen=True, slots=True)
class Place:
    """A test's own topics on the broker and its own database."""

    endpoints: Endpoints
    database_url: str
    topic_prefix: str

    def pipeline(self, *, clock: Clock | None = None, **settings: Any) -> AbstractAsyncContextManager[Pipeline]:
        """A pipeline here; several of them are several workers."""
        return pipeline(self.endpoints, self.database_url, self.topic_prefix, clock=clock, **settings)


def weekdays(last: dt.date, count: int) -> Sequence[dt.date]:
    """The `count` weekdays up to and including `last`, ascending."""
    days = [last - dt.timedelta(days=back) for back in range(2 * count + 7)]
    return sorted([day for day in days if day.weekday() < 5][:count])
