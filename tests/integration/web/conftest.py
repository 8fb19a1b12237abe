"""The application in this process, on a database of the module's own."""

from collections.abc import AsyncIterator

import httpx
import pytest

from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.services import Services, open_services
from stream_app.web.access import Access
from stream_app.web.app import create_app
from stream_app.web.site import Site


@pytest.fixture
async def services(endpoints: Endpoints, database_url: str) -> AsyncIterator[Services]:
    """On the test's own database."""
    async with open_services(load_settings(), Endpoints(endpoints.kafka, database_url)) as made:
        yield made


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the application in this process."""
    transport = httpx.ASGITransport(create_app(Site(services, Access())), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as made:
        yield made
