"""What the routes stand on, made once a process."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.models import Registry, load_registry
from stream_app.services import Services
from stream_app.web.access import Access
from stream_app.web.feed import Feed
from stream_app.web.log_ends import LogEnds

LARGE_ANSWERS = 2
"""Answers of thousands of days that are made at a time: each holds some 40 MB."""
STAGES = {"prices": PRICES.name, "news": NEWS.name, "contexts": DAY_CLOSES.name}
"""The stages and the topics that they read."""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """The services, who may ask, the models of the files, what is followed, and how many large answers are made."""

    services: Services
    access: Access
    registry: Registry
    feed: Feed
    log_ends: LogEnds
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_ANSWERS))

    @classmethod
    async def of(cls, services: Services, access: Access) -> "Site":
        """A site on services. UsageError where the models file or a region's calendar cannot be used."""
        await asyncio.to_thread(services.calendars)  # built here: they take seconds
        topics = [services.topic(name) for name in STAGES.values()]
        registry = load_registry(services.settings.models_file)
        return cls(services, access, registry, Feed(services), LogEnds(services, topics))

    def model_id(self, asked: str | None) -> str:
        """The joint model that is asked for."""
        return asked or self.services.settings.joint_models[0]


async def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


TheSite = Annotated[Site, Depends(_site)]
