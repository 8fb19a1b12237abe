"""The application in this process, on a year that was lived once for all tests here."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from stream_app.clock import FixedClock
from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.services import Services, open_services
from stream_app.web.access import Access
from stream_app.web.app import create_app
from stream_app.web.site import Site
from tests.conftest import created_database
from tests.integration.pipeline import Place
from tests.integration.web.lived_days import NOW, live

BASE = "http://localhost/api/v1/"


@pytest.fixture(scope="package")
def lived(endpoints: Endpoints, template_database: str) -> Iterator[Place]:
    """The year's database and topics; nobody changes them."""
    name = f"web_{os.getpid()}"
    with created_database(endpoints, name, template_database) as url:
        with ThreadPoolExecutor(1) as thread:  # a loop of its own, whatever loop the asking test has
            thread.submit(asyncio.run, live(endpoints, url, f"{name}.")).result()
        yield Place(endpoints, url, f"{name}.")


@pytest.fixture
async def services(lived: Place) -> AsyncIterator[Services]:
    """On the year."""
    async with opened(lived) as made:
        yield made


@pytest.fixture
async def site(services: Services, lived: Place) -> AsyncIterator[Site]:
    """A site that asks for no token."""
    made = await Site.of(services, lived.endpoints.kafka, Access())
    yield made
    await made.feed.stop()


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the application in this process."""
    async with asking(site) as made:
        yield made


def opened(
    place: Place, reading_seconds: float | None = None, **settings_of_test: Any
) -> AbstractAsyncContextManager[Services]:
    """Services on a place, at the hour at which the year ends."""
    settings = load_settings({"topic_prefix": place.topic_prefix} | settings_of_test)
    own = Endpoints(place.endpoints.kafka, place.database_url)
    return open_services(settings, own, FixedClock(NOW), reading_seconds)


def asking(site: Site) -> httpx.AsyncClient:
    """A client of a site in this process; an exception is what a server makes of it."""
    transport = httpx.ASGITransport(create_app(site), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=BASE)


@asynccontextmanager
async def answering(services: Services, place: Place) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a site of its own on other services, and on the place's broker."""
    async with asking(await Site.of(services, place.endpoints.kafka, Access())) as client:
        yield client
