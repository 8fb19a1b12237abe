"""What tests of the path share beside the services."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from stream_app.embedded import Endpoints
from stream_app.encoding import TextEncoder
from tests.integration.installed import Installed, build_wheel, install
from tests.integration.pipeline import Place
from tests.integration.text_models import QuickModel


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this tree in an environment of its own."""
    return install(build_wheel(tmp_path_factory.mktemp("wheel")), tmp_path_factory.mktemp("installed"))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> QuickModel:
    """A quick text model in the place of the packaged one, for every stage that the test starts."""
    quick = QuickModel()
    monkeypatch.setattr(TextEncoder, "load", lambda *_settings: quick.encoder())
    return quick


@pytest.fixture
def place(endpoints: Endpoints, database_url: str, topic_prefix: str) -> Place:
    """The test's topics and its database."""
    return Place(endpoints, database_url, topic_prefix)


@pytest.fixture
async def emptied(place: Place, template_database: str) -> AsyncIterator[Place]:
    """The same topics with a second database, migrated and empty, as if the first had been lost."""
    server, _, first = place.database_url.rpartition("/")
    name = f"{first}_emptied"
    connection = await asyncpg.connect(place.endpoints.database_url)
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"')
    yield replace(place, database_url=f"{server}/{name}")
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()
