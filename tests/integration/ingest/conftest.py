"""An ingestion into the test's own topics and database."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from rich.progress import Progress

from stream_app.config import Settings
from stream_app.embedded import Endpoints
from stream_app.ingest.display import Bars
from stream_app.ingest.job import Job
from stream_app.services import open_services


@pytest.fixture
def settings(endpoints: Endpoints, database_url: str, topic_prefix: str) -> Settings:
    return Settings(
        kafka_url=endpoints.kafka.servers,
        database_url=SecretStr(database_url),
        topic_prefix=topic_prefix,
        topic_partitions=3,
    )


@pytest.fixture
async def job(settings: Settings, endpoints: Endpoints, database_url: str) -> AsyncIterator[Job]:
    own = Endpoints(endpoints.kafka, database_url)
    async with open_services(settings, own) as services:
        yield Job(services, own, Bars(Progress(disable=True)))
