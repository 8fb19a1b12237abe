"""`stream-app serve` as a person starts and ends it."""

import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from stream_app.embedded import Endpoints
from tests.conftest import created_database
from tests.integration.cli.conftest import CommandLine, without_settings

DEADLINE_SECONDS = 60.0
AT_ONCE_SECONDS = 20.0
"""Within which it ends, on however busy a machine; one that waited for its streams would say so in its log."""
TOKEN = "sixteen-characters-or-more"


End = Callable[[signal.Signals], tuple[int, float, str]]
"""Sends a signal and waits: the exit code, the seconds, and what else was told on standard error."""


@pytest.fixture
def command(tmp_path: Path, endpoints: Endpoints, database_url: str) -> CommandLine:
    """With the test's database in the environment."""
    bare = without_settings(tmp_path)
    own = {"STREAM_APP_KAFKA_URL": endpoints.kafka.servers, "STREAM_APP_DATABASE_URL": database_url}
    return replace(bare, environment=bare.environment | own)


@contextmanager
def serving(command: CommandLine, words: str = "serve --port 0") -> Iterator[tuple[str, End]]:
    """Where a server listens, and how it is ended."""
    with command.started(words) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"serving at http://[^ ]+:(\d+)", line):
                break
        else:
            raise AssertionError("".join(lines))

        def end(number: signal.Signals) -> tuple[int, float, str]:
            began = time.monotonic()
            process.send_signal(number)
            code = process.wait(DEADLINE_SECONDS)
            assert process.stderr is not None
            return code, time.monotonic() - began, process.stderr.read()

        yield f"http://127.0.0.1:{found[1]}", end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_and_cleanly_also_with_a_stream_open(command: CommandLine, number: signal.Signals) -> None:
    with serving(command) as (server, end):
        assert httpx.get(f"{server}/api/v1/health").json() == {"ready": True, "missing": {}}
        with httpx.stream("GET", f"{server}/api/v1/events", timeout=DEADLINE_SECONDS) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("id: ")
            code, seconds, told = end(number)
            assert [line for line in lines if line.startswith("data: ")] == []
    assert (code, told) == (0, "")
    assert seconds < AT_ONCE_SECONDS


def test_beyond_this_machine_it_asks_for_a_token_and_says_nothing_of_it(command: CommandLine) -> None:
    (command.folder / "token").write_text(TOKEN + "\n")
    guarded = replace(
        command, environment=command.environment | {"STREAM_APP_SERVE_TOKEN_FILE": str(command.folder / "token")}
    )
    with serving(guarded, "serve --host 0.0.0.0 --port 0 --log-level DEBUG") as (server, end):
        assert httpx.get(f"{server}/livez", headers={"Host": "db.example.org"}).status_code == 200
        models = f"{server}/api/v1/models"
        assert httpx.get(models).status_code == 401
        assert httpx.get(models, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        *_, told = end(signal.SIGTERM)
    assert TOKEN not in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("serve --host 0.0.0.0", "Error: serve_host 0.0.0.0 may be reached from other machines, so the API needs"),
        ("serve --host db.example.org", "needs a token: set serve_token_file or STREAM_APP_SERVE_TOKEN."),
        ("serve --host 999.1.1.1", "needs a token"),
        ("serve --port 65536", "--port"),
        ("serve --port web", "--port"),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_sentence(command: CommandLine, words: str, sentence: str) -> None:
    done = command.run_here(words)
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.split())


def test_a_port_that_is_taken_is_said_at_once(command: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command.run_here(f"serve --port {port}")
    assert done.exit_code == 2
    told = " ".join(done.stderr.split())
    assert told == f"Error: Nothing can listen on 127.0.0.1:{port}: Address already in use; --port takes another one."


def test_a_database_of_another_release_is_said_at_once(
    command: CommandLine, endpoints: Endpoints, unique_name: str
) -> None:
    with created_database(endpoints, f"{unique_name}-empty") as url:
        empty = replace(command, environment=command.environment | {"STREAM_APP_DATABASE_URL": url})
        done = empty.run_here("serve --port 0")
    assert done.exit_code == 1
    assert "run `stream-app db upgrade`" in " ".join(done.stderr.split())
