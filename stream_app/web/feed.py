"""New contexts for all who follow them: one listener and one poller, however many they are.

It runs while anybody follows. Postgres wakes it at the commit that stores revisions; a poll finds what a lost
notification would have told.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from http import HTTPStatus

from stream_app.errors import Retriable
from stream_app.outage import say_waiting
from stream_app.services import Services
from stream_app.store import revision_feed
from stream_app.store.database import connection
from stream_app.store.signals import CONTEXTS, Signal, listening
from stream_app.web.cursors import AfterEvents
from stream_app.web.follower import Follower, Told
from stream_app.web.problems import Refused

POLL_SECONDS = 1.0
AWAY_SECONDS = 1.0
READ_ROWS = 500
MOST_FOLLOWERS = 64

log = logging.getLogger(__name__)


class Feed:
    """Follows the revisions that are stored while there are followers."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._followers: set[Follower] = set()
        self._positions: dict[str, int] | None = None
        """Where the revisions of each region end, up to which everybody was told; None while nobody follows."""
        self._running: asyncio.Task[None] | None = None

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._followers)

    async def join(self, regions: Collection[str] | None, after: AfterEvents | None) -> Follower:
        """Follow regions (None: all) from now on, or go on after some events; it must `leave`.

        Refused where too many follow; raises Retriable while Postgres is away.
        """
        if len(self._followers) >= MOST_FOLLOWERS:
            detail = f"{MOST_FOLLOWERS} clients follow new contexts already: ask for them page by page, or later."
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "10"})
        follower = Follower(regions, {}, behind=True)
        self._followers.add(follower)
        try:
            positions = await self._begin()
        except BaseException:
            await self.leave(follower)
            raise
        follower.at, follower.behind = _start(positions, after), after is not None
        return follower

    async def leave(self, follower: Follower) -> None:
        """It follows no more; with the last one the feed rests."""
        self._followers.discard(follower)
        if not self._followers:
            await self._rest()

    async def stop(self) -> None:
        """End every stream, and rest."""
        self.end_streams()
        await self._rest()

    def end_streams(self) -> None:
        """Tell everybody that nothing more comes."""
        for follower in self._followers:
            follower.end()

    async def told(self, follower: Follower) -> AsyncIterator[Told]:
        """What is stored, until nothing more comes."""
        while not follower.over:
            if follower.behind:
                async for told in self._read_on(follower):
                    yield told
            elif (told_next := await follower.next()) is not None:
                yield told_next

    async def _read_on(self, follower: Follower) -> AsyncIterator[Told]:
        """What is stored between where the follower is and where the feed is; from there on it takes what comes."""
        until = {region: at for region, at in (self._positions or {}).items() if follower.wants(region)}
        follower.behind = False
        more = True
        while more and not follower.behind:
            async with connection(self._services.pool) as conn:
                found = await revision_feed.between(conn, follower.at, until, READ_ROWS)
            more = len(found) == READ_ROWS
            for told in map(Told.of, found):
                follower.at[told.region] = told.sequence
                yield told
        if not follower.behind:
            follower.at |= until

    async def _begin(self) -> Mapping[str, int]:
        """Follow what is stored from where the revisions end now; returns where the feed is."""
        if self._positions is None:
            async with connection(self._services.pool) as conn:
                found = await revision_feed.positions(conn)
            if self._positions is None:  # else another follower has begun meanwhile
                self._positions = found
                self._running = asyncio.create_task(self._run(), name="feed")
        return self._positions

    async def _rest(self) -> None:
        running, self._running, self._positions = self._running, None, None
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def _run(self) -> None:
        """Listen and read, again and again while Postgres is away. What waiting does not mend ends every stream."""
        signal = Signal()
        try:
            while True:
                try:
                    async with listening(self._services.database_url, signal, CONTEXTS) as listener:
                        while not listener.is_closed():
                            await self._read_new()
                            await signal.wait(POLL_SECONDS)
                except Retriable as error:
                    say_waiting(log, "new contexts are looked for again", error)
                    await asyncio.sleep(AWAY_SECONDS)
        except Exception:
            log.exception("new contexts are not told any more; who asks again begins anew")
            self._running = self._positions = None
            self.end_streams()

    async def _read_new(self) -> None:
        positions, more = self._positions, True
        while more and positions is not None:
            async with connection(self._services.pool) as conn:
                found = await revision_feed.new(conn, positions, READ_ROWS)
            more = len(found) == READ_ROWS
            for told in map(Told.of, found):
                positions[told.region] = told.sequence
                for follower in self._followers:
                    follower.take(told)


def _start(positions: Mapping[str, int], after: AfterEvents | None) -> dict[str, int]:
    """Where a follower starts: where the feed is, but for regions that it followed before.

    Of these one without a position had no revision yet, so it is told from its beginning.
    """
    if after is None:
        return dict(positions)
    new = {} if after.regions is None else {name: at for name, at in positions.items() if name not in after.regions}
    return new | dict(after.at)
