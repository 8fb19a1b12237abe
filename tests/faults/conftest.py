"""What fault tests share: a text model that loads at once, regions, and services and workers of a test's own."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from stream_app.embedded import start
from stream_app.embedded.kafka import Kafka
from stream_app.embedded.postgres import Postgres
from stream_app.store.migrate import upgrade
from tests.conftest import stopped_at_the_end
from tests.faults.own_services import OwnServices
from tests.faults.stream import REGIONS
from tests.faults.text_model import make
from tests.faults.whole_worker import WholeWorker, whole_worker
from tests.faults.workers import FORKED

StartWorker = Callable[[], AbstractContextManager[WholeWorker]]

FIXED_SEED = 20_080_915


@pytest.fixture
def seed() -> int:
    """What a recipe draws from: FAULTS_SEED, or the fixed one."""
    return int(os.environ.get("FAULTS_SEED", FIXED_SEED))


@pytest.fixture(scope="session")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny real model; made in a process that has torch already, since importing it takes seconds."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    maker = FORKED.Process(target=make, args=(folder,))
    maker.start()
    maker.join()
    assert maker.exitcode == 0
    return folder


@pytest.fixture(scope="session")
def regions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three regions over the market's instruments."""
    path = tmp_path_factory.mktemp("regions") / "regions.toml"
    path.write_text(REGIONS, encoding="utf-8")
    return path


@pytest.fixture
async def own_services(tmp_path: Path) -> AsyncIterator[OwnServices]:
    """Both running, with the database's tables and nothing in them."""
    folder = tmp_path / "services"
    with stopped_at_the_end(folder):
        endpoints = await asyncio.to_thread(start, folder)
        await upgrade(endpoints.database_url)
        yield OwnServices(endpoints, Kafka(folder), Postgres(folder))


@pytest.fixture
def start_worker(own_services: OwnServices, text_model: Path, regions_file: Path, tmp_path: Path) -> StartWorker:
    """Starts a worker, all stages, on the test's own services."""
    settings = {
        "KAFKA_URL": own_services.endpoints.kafka.servers,
        "DATABASE_URL": own_services.endpoints.database_url,
        "TOPIC_PARTITIONS": "2",
        "TEXT_MODEL": str(text_model),
        "REGIONS": str(regions_file),
    }
    return lambda: whole_worker(settings, tmp_path / "worker.log")
