"""The fixtures of tests/conftest.py: each test has a database and topics of its own; no run leaves services behind."""

import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from stream_app.embedded.kafka import Kafka
from stream_app.embedded.postgres import Postgres
from stream_app.store.migrate import status


@pytest.mark.parametrize("once_and_again", [1, 2])
async def test_every_test_begins_with_an_empty_migrated_database(database_url: str, once_and_again: int) -> None:
    assert (await status(database_url)).up_to_date
    database = await asyncpg.connect(database_url)
    await database.execute("CREATE TABLE only_here ()")
    await database.close()


def test_a_topic_prefix_tells_its_test(topic_prefix: str) -> None:
    assert topic_prefix.startswith("test-a-topic-prefix-tells-its-test-")


def test_a_killed_test_run_leaves_no_service_behind(tmp_path: Path) -> None:
    code = """
import pathlib, sys
from stream_app.embedded import start
from tests.conftest import stopped_at_the_end

folder = pathlib.Path(sys.argv[1])
with stopped_at_the_end(folder):
    print(start(folder), flush=True)
    input()
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        services = [Kafka(tmp_path).daemon.process(), Postgres(tmp_path).daemon.process()]
        run.kill()
    assert psutil.wait_procs([service for service in services if service is not None], timeout=60)[1] == []
    assert None not in services
