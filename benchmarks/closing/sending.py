"""Sending the inputs of days through the real topics, and facts to wait for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from benchmarks.closing.days import ClosingDays, text_vectors
from schemas import NewsArticle, PriceClose, encode
from schemas.topics import NEWS, PRICES
from stream_app.contexts.cut import read_cut
from stream_app.kafka.producing import Outgoing
from stream_app.regime.text import content_hash
from stream_app.services import Services
from stream_app.store import models, progress, texts
from stream_app.store.database import connection, transaction

PUBLISH_RECORDS = 1_000
POLL_SECONDS = 0.02
WAIT_SECONDS = 600.0

Input = PriceClose | NewsArticle
Fact = TypeVar("Fact")


async def until(fact: Callable[[], Awaitable[Fact | None]], what: str) -> Fact:
    """Ask until the answer is true. Raises TimeoutError naming `what` when the time is up."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (answer := await fact()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {WAIT_SECONDS:g} s: {what}")
        await asyncio.sleep(POLL_SECONDS)
    return answer


async def value(services: Services, query: str, *parameters: Any) -> Any:
    """One value of the database; None where there is no row."""
    async with connection(services.pool) as conn:
        return await conn.fetchval(query, *parameters)


class Inputs:
    """Sends prices and articles; a worker stores them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def load(self, world: ClosingDays) -> None:
        """Everything but each region's last inputs, and wait until it is stored: vectors first, nothing is encoded."""
        fingerprint = await until(self._text_fingerprint, "a news stage has registered its text model")
        await self.send(world.history())
        for day in world.days:
            articles = world.articles(day)
            await self._store_vectors(fingerprint, [*articles, *(world.last_article(r, day) for r in world.regions)])
            await self.send(articles)
        await self.stored()
        async with connection(self._services.pool) as conn:
            await conn.execute("VACUUM ANALYZE")

    async def send(self, events: Iterable[Input]) -> None:
        """Publish, each keyed as it must be."""
        records = [self.outgoing(event) for event in events]
        for first in range(0, len(records), PUBLISH_RECORDS):
            await self._services.publisher.publish(records[first : first + PUBLISH_RECORDS])

    async def stored(self) -> None:
        """Wait until everything that is on the input topics now is stored."""
        cut = await read_cut(self._services)

        async def reached() -> bool:
            async with connection(self._services.pool) as conn:
                return await progress.reached(conn, cut)

        await until(reached, "all inputs are stored")

    def outgoing(self, event: Input) -> Outgoing:
        """The record of an input."""
        if isinstance(event, PriceClose):
            return Outgoing(self._services.topic(PRICES.name), event.instrument_id.encode(), encode(event))
        return Outgoing(self._services.topic(NEWS.name), event.article_id.encode(), encode(event))

    async def _text_fingerprint(self) -> str | None:
        async with connection(self._services.pool) as conn:
            return await models.fingerprint(conn, self._services.models.text.model_id)

    async def _store_vectors(self, fingerprint: str, articles: list[NewsArticle]) -> None:
        hashes = [content_hash(article.text) for article in articles]
        seed = articles[0].news_date
        assert seed is not None
        async with transaction(self._services.pool) as conn:
            await texts.add(conn, fingerprint, hashes, text_vectors(len(hashes), seed.toordinal()))
