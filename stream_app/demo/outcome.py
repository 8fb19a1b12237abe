"""What came of the sample: the contexts from their topic, the texts' vectors and the prices from Postgres."""

import asyncio
import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas import Codec, JointRegimeContext, NewsArticle, Rejected
from schemas.topics import CONTEXTS_LATEST
from stream_app.errors import Fatal
from stream_app.regime.text import content_hash, day_means
from stream_app.services import Services
from stream_app.store import models, prices, texts
from stream_app.store.database import connection
from stream_app.store.prices import Series

PUBLISHED_SECONDS = 60.0
POLL_SECONDS = 0.1

Day = tuple[str, dt.date]
"""A region's day."""


@dataclass(slots=True)
class Published:
    """Reads the first joint model's newest context of each region's day from its topic, on from where it stopped."""

    services: Services
    found: dict[Day, JointRegimeContext] = field(default_factory=dict)
    _positions: dict[int, int] = field(default_factory=dict)
    _codec: Codec[JointRegimeContext] = field(default_factory=lambda: Codec(JointRegimeContext))

    async def until_all(self, days: Mapping[str, Sequence[dt.date]]) -> None:
        """Read until every one of these days by region is there. Raises Fatal when some do not come."""
        wanted = {(region, day) for region, of_region in days.items() for day in of_region}
        deadline = time.monotonic() + PUBLISHED_SECONDS
        await self._read_on()
        while not wanted <= self.found.keys():
            if time.monotonic() > deadline:
                raise Fatal(f"{len(wanted - self.found.keys())} contexts were computed but not published.")
            await asyncio.sleep(POLL_SECONDS)
            await self._read_on()

    async def _read_on(self) -> None:
        topic, log = self.services.topic(CONTEXTS_LATEST.name), self.services.log
        for partition, end in enumerate(await log.end_offsets(topic)):
            start = self._positions.get(partition, 0)
            if start < end:
                async for batch in log.records(topic, partition, start, end):
                    self._take([record.value for record in batch])
                self._positions[partition] = end

    def _take(self, values: Sequence[bytes]) -> None:
        for value in values:
            context = self._codec.decode(value)
            if not isinstance(context, Rejected) and context.model_id == self.services.models.joint[0].model_id:
                self.found[context.region, context.as_of] = context


async def text_halves(services: Services, articles: Sequence[Sequence[NewsArticle]]) -> NDArray[np.float32]:
    """The text half of each of n days from the stored vectors, float32 (n, 384); no day may be without articles."""
    hashes = [content_hash(article.text) for of_day in articles for article in of_day]
    starts = np.concatenate([[0], np.cumsum([len(of_day) for of_day in articles])]).astype(np.int64)
    async with connection(services.pool) as conn:
        fingerprint = await models.fingerprint(conn, services.models.text.model_id)
        stored = await texts.get(conn, fingerprint or "", set(hashes))
    return day_means(texts.matrix(stored, hashes), starts)


async def price_series(services: Services, instrument: str) -> Series:
    """An instrument's stored closes."""
    async with connection(services.pool) as conn:
        return (await prices.current_series(conn, {instrument: (dt.date.min, dt.date.max)}))[instrument]
