"""Who asks: as fast as the answers come, or so many times a second whether they come or not."""

import asyncio
import datetime as dt
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import aiohttp

from benchmarks.serving.days import StoredDays

CONNECTIONS = 16
PAGE_DAYS = 100
STRIDE = 37
"""Days between the pages that are asked for one after the other: no two alike for a while."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of 100 days of a server, region by region, from one day after the other backwards."""

    port: int
    stored: StoredDays
    model_id: str

    def urls(self) -> Iterator[str]:
        """For ever."""
        last_days = self.stored.dates[PAGE_DAYS:]
        for number in itertools.count():
            region = self.stored.regions[number % len(self.stored.regions)]
            yield self._url(region, last_days[-1 - STRIDE * number % len(last_days)])

    def _url(self, region: str, end: dt.date) -> str:
        query = f"model_id={self.model_id}&end={end}&limit={PAGE_DAYS}"
        return f"http://127.0.0.1:{self.port}/api/v1/regions/{region}/contexts?{query}"


async def answer(session: aiohttp.ClientSession, url: str) -> int:
    """The bytes of an answer, which must be a page."""
    async with session.get(url) as response:
        body = await response.read()
        response.raise_for_status()
        return len(body)


def session() -> aiohttp.ClientSession:
    """So many connections, kept open."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))


async def saturated(pages: Pages, seconds: float) -> tuple[int, float]:
    """How many answers came in how many seconds, each connection asking again as soon as it had one."""
    urls, until, answered = pages.urls(), time.perf_counter() + seconds, 0

    async def ask(asking: aiohttp.ClientSession) -> None:
        nonlocal answered
        while time.perf_counter() < until:
            await answer(asking, next(urls))
            answered += 1

    async with session() as asking:
        began = time.perf_counter()
        await asyncio.gather(*(ask(asking) for _ in range(CONNECTIONS)))
        return answered, time.perf_counter() - began


async def at_a_rate(pages: Pages, per_second: float, seconds: float) -> Sequence[float]:
    """The seconds that each answer took from when it was due: one that is asked for late counts as late."""
    urls, found = pages.urls(), list[float]()

    async def ask(asking: aiohttp.ClientSession, due: float) -> None:
        await answer(asking, next(urls))
        found.append(time.perf_counter() - due)

    async with session() as asking, asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for number in range(int(per_second * seconds)):
            due = began + number / per_second
            await asyncio.sleep(due - time.perf_counter())
            group.create_task(ask(asking, due))
    return found
