"""`stream-app status` as a person and a machine run it, on a pipeline with a closing day, a dead letter and lag."""

import asyncio
import datetime as dt
import json
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from schemas.topics import PRICES
from tests.integration.cli.conftest import DEADLINE_SECONDS, CommandLine
from tests.integration.pipeline import Place, close, weekdays
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOWHERE = {"STREAM_APP_KAFKA_URL": "127.0.0.1:1", "STREAM_APP_DATABASE_URL": "postgresql://me:s3cr3t@127.0.0.1:1/d"}


@pytest.fixture
def closing(place: Place, model: QuickModel) -> None:
    """A day that closed and waits for three closes behind a record that cannot be used; no worker runs."""

    async def fill() -> None:
        async with place.pipeline() as path, stepping(path, model) as steps:
            await path.send_raw(PRICES.name, 1, (b"SPX.US", b"no json"))
            await steps.apply()
            await path.send_to(1, *[close("SPX.US", day, 1200.0) for day in weekdays(DAY, 3)])
            await path.close("US", DAY)
            await steps.apply(steps.triggers)

    asyncio.run(fill())


@pytest.mark.usefixtures("closing")
def test_a_closing_day_a_dead_letter_and_the_lag_are_told(stream_app: CommandLine) -> None:
    ended = stream_app.run_here("status")
    assert (ended.exit_code, ended.stderr) == (1, "")
    lines = [re.sub(r" +", " ", line).strip() for line in ended.stdout.splitlines()]
    assert lines[0].endswith("UTC: 2 problems")
    assert "! No worker runs: 3 records wait; no day closes by itself." in lines
    assert "! 1 dead letter waits: prices.closes not-json 1." in lines
    assert any(line.startswith("prices prices.closes 0 3 in [1] ") for line in lines)
    assert any("2008-09-15 waits for prices.closes[1] at 1 of 4" in line for line in lines)

    told = json.loads(stream_app.run_here("status --json").stdout)
    assert [problem["code"] for problem in told["problems"]] == ["no-worker", "dead-letters"]
    assert told["dead_letters"] == [{"topic": "prices.closes", "reason": "not-json", "letters": 1}]
    (us,) = [region for region in told["regions"] if region["region"] == "US"]
    assert (us["state"], us["waiting"][0]["waits_for"]) == ("closing", "records")


def test_a_service_that_is_away_is_told_in_its_place(stream_app: CommandLine) -> None:
    for name, value in NOWHERE.items():
        half = replace(stream_app, environment=stream_app.environment | {name: value})
        ended = half.run_here("status --json")
        assert (ended.exit_code, ended.stderr) == (1, "")
        told = json.loads(ended.stdout)
        usable = {each["service"]: each["usable"] for each in told["services"]}
        away = "Kafka" if name == "STREAM_APP_KAFKA_URL" else "Postgres"
        assert usable == {"Kafka": True, "Postgres": True} | {away: False}
        assert told["problems"][0]["code"] == away.lower()
        assert (told["regions"] is None) == (away == "Postgres")
        assert {stage["lag"] for stage in told["stages"]} == {None}
        assert not any("record" in problem["sentence"] for problem in told["problems"])
        assert "s3cr3t" not in ended.stdout


@pytest.mark.usefixtures("closing")
def test_a_database_of_another_prefix_is_told_as_such(stream_app: CommandLine, place: Place) -> None:
    other = replace(stream_app, environment=stream_app.environment | {"STREAM_APP_TOPIC_PREFIX": ""})
    ended = other.run_here("status --json")
    assert ended.exit_code == 1
    told = {problem["code"]: problem["sentence"] for problem in json.loads(ended.stdout)["problems"]}
    assert f"was filled from the topic {place.topic_prefix}" in told["postgres"]


def test_where_nothing_runs_it_says_how_to_start_it(bare: CommandLine) -> None:
    ended = bare.run_here("status")
    assert (ended.exit_code, ended.stderr) == (1, "")
    assert ended.stdout.count("`stream-app up` starts both services") == 2


def test_watched_into_a_file_it_writes_a_look_after_the_other_until_it_is_asked_to_end(stream_app: CommandLine) -> None:
    command = [sys.executable, "-m", "stream_app", "status", "--watch", "--json"]
    with subprocess.Popen(
        command, cwd=stream_app.folder, env=stream_app.environment, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        looks = [json.loads(watching.stdout.readline()) for _ in range(2)]
        watching.send_signal(signal.SIGTERM)
        assert watching.wait(DEADLINE_SECONDS) == 1
    assert looks[0]["at"] < looks[1]["at"]


def test_watched_on_a_terminal_it_leaves_the_screen_as_it_was(stream_app: CommandLine) -> None:
    terminal, of_command = pty.openpty()
    command = [sys.executable, "-m", "stream_app", "status", "--watch"]
    environment = stream_app.environment | {"TERM": "xterm", "LINES": "40"}
    with subprocess.Popen(
        command, cwd=stream_app.folder, env=environment, stdin=of_command, stdout=of_command, stderr=of_command
    ) as watching:
        os.close(of_command)
        written = b""
        while b"UTC: " not in written:
            written += os.read(terminal, 65_536)
        watching.send_signal(signal.SIGINT)
        written += read_to_the_end(terminal)
        assert watching.wait(DEADLINE_SECONDS) == 1
    assert written.startswith(b"\x1b[?1049h")
    assert written.endswith(b"\x1b[?1049l")
    assert b"Traceback" not in written


def read_to_the_end(terminal: int) -> bytes:
    """What is still written; a terminal whose other side is closed raises EIO."""
    written = b""
    try:
        while part := os.read(terminal, 65_536):
            written += part
    except OSError:
        pass
    finally:
        os.close(terminal)
    return written
