"""Who follows new contexts: where it is, and what waits for it."""

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from stream_app.store.exported import ExportedDay
from stream_app.store.revision_feed import Followed
from stream_app.web.answers.contexts import ContextHeader

MOST_PENDING = 2_000
"""Revisions that wait for one follower; one that is slower reads on from the database."""


@dataclass(frozen=True, slots=True)
class Told:
    """A revision as it is told: its region, its place among the region's, and its header as JSON."""

    region: str
    sequence: int
    header: bytes

    @classmethod
    def of(cls, followed: Followed) -> "Told":
        """The header of a revision that was stored."""
        context = followed.context
        models = context.model_id, context.numeric_model_id, context.text_model_id
        day = ExportedDay(context.region, context.as_of, *models, "live", context, None)
        return cls(context.region, followed.sequence, msgspec.json.encode(ContextHeader.of(day)))


@dataclass(slots=True, eq=False)
class Follower:
    """Who follows regions (None: all). `at` is where it is, by region; one that is `behind` must read on from there."""

    regions: Collection[str] | None
    at: dict[str, int]
    behind: bool
    over: bool = False
    """Nothing more is told."""
    pending: deque[Told] = field(default_factory=deque)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, region: str) -> bool:
        """Whether it follows a region."""
        return self.regions is None or region in self.regions

    def take(self, told: Told) -> None:
        """A revision was stored."""
        if self.behind or not self.wants(told.region):
            return
        self.pending.append(told)
        if len(self.pending) > MOST_PENDING:
            self.pending.clear()
            self.behind = True
        self.woken.set()

    def end(self) -> None:
        """Nothing more comes."""
        self.over = True
        self.woken.set()

    async def next(self) -> Told | None:
        """The next revision, once there is one; None where it must read on, or nothing more comes."""
        while not (self.pending or self.behind or self.over):
            self.woken.clear()
            await self.woken.wait()
        if self.behind or self.over:
            return None
        told = self.pending.popleft()
        self.at[told.region] = told.sequence
        return told
