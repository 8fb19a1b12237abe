"""What the routes stand on, made once a process."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from stream_app.kafka.access import KafkaAccess
from stream_app.models import Registry, load_registry
from stream_app.services import Services
from stream_app.status.looking import Places
from stream_app.web.access import Access
from stream_app.web.feed import Feed
from stream_app.web.looks import Looks

LARGE_ANSWERS = 2
"""Answers of thousands of days that are made at a time: each holds some 40 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """The services, who may ask, the models of the files, what is followed and looked at, and large answers in hand."""

    services: Services
    access: Access
    registry: Registry
    feed: Feed
    looks: Looks
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_ANSWERS))

    @classmethod
    async def of(cls, services: Services, kafka: KafkaAccess, access: Access) -> "Site":
        """A site on services and their broker. UsageError for a models file or a calendar that cannot be used."""
        await asyncio.to_thread(services.calendars)  # built here: they take seconds
        registry = load_registry(services.settings.models_file)
        looks = Looks(services, Places(kafka, services.database_url))
        return cls(services, access, registry, Feed(services), looks)

    def model_id(self, asked: str | None) -> str:
        """The joint model that is asked for."""
        return asked or self.services.settings.joint_models[0]


async def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


TheSite = Annotated[Site, Depends(_site)]
