"""What fault tests share: a text model that loads at once, regions, services and workers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from stream_app.embedded import Endpoints, start
from stream_app.embedded.kafka import Kafka
from stream_app.embedded.postgres import Postgres
from stream_app.store.migrate import upgrade
from tests.conftest import created_database, stopped_at_the_end
from tests.faults.own_services import OwnServices
from tests.faults.stream import REGIONS, WINDOWS_PUBLISHED_DAYS
from tests.faults.text_model import make
from tests.faults.watched_model import WatchedModel
from tests.faults.whole_worker import WholeWorker, whole_worker
from tests.faults.workers import FORKED, Crew, crew
from tests.integration.pipeline import Pipeline, pipeline
from tests.models_file import CORE, DEFAULT, write_models

StartWorker = Callable[[], AbstractContextManager[WholeWorker]]

LONGEST_SECONDS = 900
PARTITIONS = 4


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On a busy machine a recipe takes several times as long as on a quiet one."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))


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
def partitions() -> int:
    """Of each topic of `path`; a module may have its own number."""
    return PARTITIONS


@pytest.fixture
def path_settings(text_model: Path, regions_file: Path, partitions: int) -> dict[str, Any]:
    """What is set for `path`; its workers are given the same."""
    return {
        "text_model": str(text_model),
        "regions": regions_file,
        "topic_partitions": partitions,
        "numeric_publish_max_age_days": WINDOWS_PUBLISHED_DAYS,
    }


@pytest.fixture
async def path(
    endpoints: Endpoints, database_url: str, topic_prefix: str, path_settings: dict[str, Any]
) -> AsyncIterator[Pipeline]:
    """Topics and a database, and no stage in this process."""
    async with pipeline(endpoints, database_url, topic_prefix, **path_settings) as made:
        yield made


@pytest.fixture
def workers(path: Pipeline, text_model: Path, regions_file: Path, tmp_path: Path) -> Iterator[Crew]:
    """Worker processes on the same topics and database."""
    with crew(path, text_model, regions_file, tmp_path) as made:
        yield made


@pytest.fixture
def default_workers(path: Pipeline, text_model: Path, regions_file: Path, tmp_path: Path) -> Iterator[Crew]:
    """The same with the joint models that a worker computes where nothing is set."""
    with crew(path, text_model, regions_file, tmp_path, JOINT_MODELS=",".join(DEFAULT)) as made:
        yield made


@pytest.fixture
def model(tmp_path: Path) -> WatchedModel:
    """What the workers' text model does."""
    folder = tmp_path / "watched"
    folder.mkdir()
    return WatchedModel(folder)


@pytest.fixture
def fresh_database(endpoints: Endpoints, unique_name: str, template_database: str) -> Iterator[str]:
    """A second database of the test's own, into which it may replay."""
    with created_database(endpoints, f"{unique_name}-again", template_database) as url:
        yield url


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
        "MODELS_FILE": str(write_models(tmp_path, text_model=text_model)),
        "JOINT_MODELS": CORE,
        "REGIONS": str(regions_file),
    }
    return lambda: whole_worker(settings, tmp_path / "worker.log")
