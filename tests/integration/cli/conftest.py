"""`stream-app` as a person runs it, in a folder and an environment of its own: a process, or quicker in this one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from stream_app.cli.app import app
from stream_app.embedded import Endpoints
from tests.integration.cli.tables import Tables
from tests.unit.cli.conftest import process_as_before

DEADLINE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Starts `python -m …` in `folder` with `environment`."""

    folder: Path
    environment: dict[str, str]

    def run(self, words: str, module: str = "stream_app") -> "subprocess.CompletedProcess[str]":
        """Run to the end; both streams are captured."""
        return subprocess.run(
            [sys.executable, "-m", module, *words.split()],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    def run_here(self, words: str, program: Typer = app) -> Result:
        """Run in this process, which has imported everything already; so not from within a running event loop."""
        with process_as_before():
            return CliRunner(env=self.environment).invoke(program, words.split(), prog_name="stream-app")

    @contextmanager
    def started(self, words: str) -> Iterator["subprocess.Popen[str]"]:
        """A running command with its standard error piped; killed if the block leaves it running."""
        command = [sys.executable, "-m", "stream_app", *words.split()]
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def without_settings(folder: Path) -> CommandLine:
    """Commands in a folder, of whose environment no setting comes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_APP_")}
    return CommandLine(folder, kept | {"PYTHONPATH": str(Path(__file__).parents[3]), "COLUMNS": "80"})


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Without any setting."""
    monkeypatch.chdir(tmp_path)
    return without_settings(tmp_path)


@pytest.fixture
def stream_app(bare: CommandLine, endpoints: Endpoints, database_url: str, topic_prefix: str) -> CommandLine:
    """With the test's database and topics in the environment."""
    settings = {
        "STREAM_APP_KAFKA_URL": endpoints.kafka.servers,
        "STREAM_APP_DATABASE_URL": database_url,
        "STREAM_APP_TOPIC_PREFIX": topic_prefix,
        "STREAM_APP_TOPIC_PARTITIONS": "2",
    }
    return CommandLine(bare.folder, bare.environment | settings)


@pytest.fixture
def tables(database_url: str) -> Tables:
    """The test's own database."""
    return Tables(database_url)
