"""Waiting for workers, as long as they do something."""

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.ingest.workers import STAGES, WorkerWatch
from stream_app.services import Services
from stream_app.store import progress, triggers
from stream_app.store.database import connection

POLL_SECONDS = 0.25
NO_WORKER_SECONDS = 15.0
"""A worker that was just started has no members yet; it takes that long on a busy machine."""
STALLED_SECONDS = 180.0
"""Longer than a chunk takes to encode."""

Show = Callable[[int], None]
"""Is told how many are left."""


class Waited(Enum):
    """How a wait ended."""

    DONE = "done"
    NO_WORKER = "no worker"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Waits for what the workers do, seen in the database, while `watch` says that there are any."""

    services: Services
    watch: WorkerWatch

    async def until_prices_are_applied(self, show: Show) -> Waited:
        """Wait until every price that is in the log now is in the database; `show` is told the records left."""
        topic = self.services.topic(PRICES.name)
        ends = await self.services.log.end_offsets(topic)

        async def left() -> int:
            async with connection(self.services.pool) as conn:
                at = await progress.offsets(conn, topic)
            return sum(max(end - at.get(partition, 0), 0) for partition, end in enumerate(ends))

        return await self._until_none_left(STAGES[:1], left, show)

    async def until_computed(self, days: Mapping[str, Sequence[dt.date]], show: Show) -> Waited:
        """Wait until every trigger of these days by region is computed; `show` is told the triggers left."""

        async def left() -> int:
            async with connection(self.services.pool) as conn:
                return sum([await triggers.unfinished(conn, region, of_region) for region, of_region in days.items()])

        return await self._until_none_left(STAGES, left, show)

    async def _until_none_left(self, stages: Sequence[str], left: Callable[[], Awaitable[int]], show: Show) -> Waited:
        alive_at = moved_at = time.monotonic()
        before: object = None
        while remaining := await left():
            show(remaining)
            now = time.monotonic()
            if not set(stages) & set(await self.watch.without_members()):
                alive_at = now
            if (state := (remaining, await self._applied())) != before:
                before, moved_at = state, now
            if now - alive_at > NO_WORKER_SECONDS:
                return Waited.NO_WORKER
            if now - moved_at > STALLED_SECONDS:
                return Waited.STALLED
            await asyncio.sleep(POLL_SECONDS)
        show(0)
        return Waited.DONE

    async def _applied(self) -> int:
        """How many records of all inputs are in the database: it grows while a worker encodes news."""
        names = [self.services.topic(topic.name) for topic in (PRICES, NEWS, DAY_CLOSES)]
        async with connection(self.services.pool) as conn:
            return sum([sum((await progress.offsets(conn, name)).values()) for name in names])
