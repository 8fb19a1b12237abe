"""The real services that integration tests share; a test that names none of these fixtures starts nothing."""

import asyncio
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import core, settings

from stream_app.embedded import Endpoints, start
from stream_app.embedded.postgres import binary
from stream_app.store.migrate import upgrade
from tests.certificates import Certificates
from tests.faults.rounds import SEED

# Stops the services when its standard input ends: at the session's end, and as well when pytest is killed.
GUARD = """
import pathlib, sys
from stream_app.embedded import stop
sys.stdin.read()
stop(pathlib.Path(sys.argv[1]))
"""
REPORTING = "tests.faults.reporting"
LONGEST_NAME = 40
FIXED_SEED = 20_080_915
# For a text that breaks the tokenizer, Rust would take seconds to name each frame of its stack.
os.environ["RUST_BACKTRACE"] = "0"
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Let property tests try the same examples in every run, or those of FAULTS_SEED; let rounds tell what breaks."""
    config.pluginmanager.import_plugin(REPORTING)
    seed = os.environ.get(SEED)
    settings.register_profile("stream-app", derandomize=seed is None, print_blob=True)
    settings.load_profile("stream-app")
    if seed is not None:
        core.global_force_seed = int(seed)  # type: ignore[assignment] # hypothesis says that it is always None


def drawn_from() -> int:
    """FAULTS_SEED, or the fixed one."""
    return int(os.environ.get(SEED, FIXED_SEED))


@pytest.fixture
def seed() -> int:
    """What a test draws from."""
    return drawn_from()


@contextmanager
def stopped_at_the_end(data_dir: Path) -> Iterator[None]:
    """However the block or this process ends, the data folder's services are stopped."""
    command = [sys.executable, "-c", GUARD, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield


@pytest.fixture(scope="session")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """The embedded broker and Postgres, started once for all tests."""
    folder = tmp_path_factory.mktemp("services")
    with stopped_at_the_end(folder):
        yield start(folder)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority's certificates for servers and clients."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def template_database(endpoints: Endpoints) -> str:
    """The name of a database that every migration has run on."""
    name = f"template_{os.getpid()}"
    _postgres("createdb", endpoints, name)
    with ThreadPoolExecutor(1) as thread:  # a loop of its own, whatever loop the asking test has
        thread.submit(asyncio.run, upgrade(_of_database(endpoints, name))).result()
    return name


@pytest.fixture
def database_url(endpoints: Endpoints, template_database: str, unique_name: str) -> Iterator[str]:
    """A migrated database of the test's own, dropped at its end."""
    with created_database(endpoints, unique_name, template_database) as url:
        yield url


@pytest.fixture
def topic_prefix(unique_name: str) -> str:
    """A prefix that keeps the test's topics and groups apart from other tests'."""
    return f"{unique_name}."


@pytest.fixture
def unique_name(request: pytest.FixtureRequest) -> str:
    """The test's name, cut and with a number: fit for a topic, a group and a database."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return f"{words[:LONGEST_NAME].rstrip('-')}-{next(_numbers)}"


@contextmanager
def created_database(endpoints: Endpoints, name: str, template: str = "template1") -> Iterator[str]:
    """A copy of the template, which by default is empty, for as long as the block."""
    name = name.replace("-", "_")
    _postgres("createdb", endpoints, f"--template={template}", name)
    yield _of_database(endpoints, name)
    _postgres("dropdb", endpoints, "--force", name)


def _of_database(endpoints: Endpoints, name: str) -> str:
    return endpoints.database_url.rpartition("/")[0] + f"/{name}"


def _postgres(program: str, endpoints: Endpoints, *arguments: str) -> None:
    subprocess.run([binary(program), f"--maintenance-db={endpoints.database_url}", *arguments], check=True)
