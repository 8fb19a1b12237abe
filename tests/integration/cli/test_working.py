"""`worker` and `close`: started, drained and killed as a person or an init system does it."""

import asyncio
import datetime as dt
import itertools
import json
import os
import re
import signal
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaProducer

from schemas import DIM
from schemas.topics import PRICES
from stream_app.cli.workers import KILLED, SecondSignalKills
from stream_app.store import models
from stream_app.store.database import connect
from tests.integration.cli.conftest import CommandLine
from tests.integration.pipeline import until
from tests.models_file import CORE

STAGES = ("prices", "news", "contexts")
DAY = dt.date(2025, 1, 31)
CLOSE = f"close --region US --as-of {DAY}"
HEALTH = re.compile(r"health is answered at http://([0-9.]+):([0-9]+)/livez")
ANSWER_SECONDS = 10.0
READ_BY_ONE = {"ready": True, "partitions": 2, "missing": {}}


def read_until_ready(worker: "subprocess.Popen[str]", *stages: str) -> None:
    """Read the worker's log until each of these stages is ready."""
    assert worker.stderr is not None
    missing = set(stages)
    for line in worker.stderr:
        missing -= {stage for stage in missing if f"stage={stage} " in line and "is ready" in line}
        if not missing:
            return
    raise AssertionError(f"the worker ended; not ready: {missing}")


def processes(worker: "subprocess.Popen[str]") -> dict[str, psutil.Process]:
    """The processes of the stages by name."""
    children = [(child, child.cmdline()) for child in psutil.Process(worker.pid).children()]
    return {words[words.index("--stage") + 1]: child for child, words in children if "--stage" in words}


def ready(host: str, port: int) -> dict[str, dict[str, Any]]:
    """What `/readyz` answers of each stage."""
    with closing(HTTPConnection(host, port, timeout=ANSWER_SECONDS)) as asking:
        asking.request("GET", "/readyz")
        stages: dict[str, dict[str, Any]] = json.load(asking.getresponse())["stages"]
        return stages


def all_end(children: list[psutil.Process]) -> bool:
    """Whether they end within the deadline."""
    return not psutil.wait_procs(children, 60)[1]


async def register(database_url: str, model: models.Model) -> None:
    """Note a model, as a stage does at its start."""
    connection = await connect(database_url)
    await models.register(connection, model)
    await connection.close()


def test_a_worker_whose_feed_is_wrong_says_so_and_ends_with_all_its_stages(stream_app: CommandLine) -> None:
    limits = "--max-rejected-in-a-row 5 --max-rejected-ratio 1"
    with stream_app.started(f"worker {limits}") as worker:
        read_until_ready(worker, *STAGES)
        children = processes(worker)
        asyncio.run(send_what_cannot_be_used(stream_app, 7))
        assert worker.stderr is not None
        told = worker.stderr.read()
        assert worker.wait(60) == 1
        assert all_end(list(children.values()))
    assert "level=CRITICAL stage=prices" in told
    assert "6 records in a row were rejected, more than 5" in told
    assert "dead-letters list" in told


async def send_what_cannot_be_used(command_line: CommandLine, records: int) -> None:
    """To the prices' topic."""
    topic = command_line.environment["STREAM_APP_TOPIC_PREFIX"] + PRICES.name
    async with AIOKafkaProducer(bootstrap_servers=command_line.environment["STREAM_APP_KAFKA_URL"]) as producer:
        for _ in range(records):
            await producer.send_and_wait(topic, b"no json", b"A", 0)


def test_a_worker_drains_on_sigterm_and_exits_0(stream_app: CommandLine) -> None:
    with stream_app.started("worker") as worker:
        read_until_ready(worker, *STAGES)
        children = processes(worker)
        assert set(children) == set(STAGES)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
        assert all_end(list(children.values()))


def test_a_stage_that_ends_unexpectedly_ends_the_worker(stream_app: CommandLine) -> None:
    with stream_app.started("worker") as worker:
        read_until_ready(worker, "prices")
        children = processes(worker)
        children["prices"].kill()
        assert worker.wait(60) == 1
        assert all_end(list(children.values()))


def test_stages_do_not_outlive_a_killed_worker(stream_app: CommandLine) -> None:
    with stream_app.started("worker") as worker:
        read_until_ready(worker, "contexts")
        children = list(processes(worker).values())
        worker.kill()
        assert all_end(children)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_stage_alone_drains_and_exits_0(stream_app: CommandLine, number: signal.Signals) -> None:
    with stream_app.started("worker --stage prices") as worker:
        read_until_ready(worker, "prices")
        worker.send_signal(number)
        assert worker.wait(60) == 0


def test_one_stage_alone_answers_for_itself(stream_app: CommandLine) -> None:
    stream_app.environment["STREAM_APP_HEALTH_PORT"] = "0"
    with stream_app.started("worker --stage prices") as worker:
        assert worker.stderr is not None
        host, port = next(found.groups() for line in worker.stderr if (found := HEALTH.search(line)))

        async def is_ready() -> bool:
            return ready(host, int(port)) == {"prices": READ_BY_ONE}

        asyncio.run(until(is_ready, "the stage is ready"))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0


def test_a_stage_is_asked_to_end_while_it_waits_for_the_broker(stream_app: CommandLine) -> None:
    with stream_app.started("worker --stage prices --kafka-url 127.0.0.1:1") as worker:
        assert worker.stderr is not None
        assert any("Kafka does not answer" in line for line in worker.stderr)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0


@pytest.mark.parametrize("words", ["worker", "worker --stage prices"])
def test_a_worker_waits_for_the_database_and_is_asked_to_end(bare: CommandLine, words: str) -> None:
    away = "--kafka-url 127.0.0.1:1 --database-url postgresql://me:s3cr3t@127.0.0.1:1/d"
    with bare.started(f"{words} {away} --log-level DEBUG") as worker:
        assert worker.stderr is not None
        lines = list(itertools.takewhile(lambda line: "level=DEBUG" not in line, worker.stderr))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert [line for line in lines if "Postgres does not answer" in line] == lines[-1:]
    assert "s3cr3t" not in "".join(lines)


def test_what_ends_a_stage_is_a_log_line_and_an_exit_code(stream_app: CommandLine, database_url: str) -> None:
    asyncio.run(register(database_url, models.Model("num-regime-core-v1", "numeric", DIM, "another")))
    ended = stream_app.run("worker --stage prices")
    assert ended.returncode == 1
    assert "level=CRITICAL stage=prices" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_second_signal_kills_and_the_first_is_handled(monkeypatch: pytest.MonkeyPatch) -> None:
    first, killed = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(os, "_exit", lambda code: killed.set() if code == KILLED else None)
    with asyncio.Runner(loop_factory=SecondSignalKills) as runner:
        for number in (signal.SIGTERM, signal.SIGINT):
            runner.get_loop().add_signal_handler(number, first.set)
        os.kill(os.getpid(), signal.SIGTERM)
        runner.run(asyncio.wait_for(first.wait(), 10))
        assert not killed.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        runner.run(asyncio.wait_for(killed.wait(), 10))


def test_a_day_is_closed_once_and_its_context_awaited(stream_app: CommandLine, database_url: str) -> None:
    asyncio.run(register(database_url, models.Model("text-fin-general-v1", "text", DIM, "none")))
    stream_app.environment["STREAM_APP_JOINT_MODELS"] = CORE  # the scaled one wants the packaged text model
    closed = stream_app.run_here(f"{CLOSE} --wait 0.5")
    assert closed.exit_code == 1
    assert closed.stderr.splitlines() == [
        f"Closed US {DAY}.",
        "No context within 0.5 s: no worker seems to be running; start one with `stream-app worker`.",
    ]
    with stream_app.started("worker --stage contexts") as worker:
        read_until_ready(worker, "contexts")
        again = stream_app.run(CLOSE)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert again.returncode == 0
    assert again.stderr.splitlines() == [
        f"US {DAY} was closed already.",
        f"US {DAY} has no context: no-price (revision 1).",
    ]
    assert again.stdout == "as_of_date,region,episode_id,model_id,dim,l2_norm\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--region usa --as-of 2025-01-31", "there are CRYPTO, EU, HK, JP, UK, US"),
        ("--region US --as-of 2025-02-01", "the nearest are 2025-01-31 and 2025-02-03"),
        ("--region US --as-of 2035-12-31", "closes at 2035-12-31 21:15 UTC; the last session that has closed is 20"),
        ("--region US --as-of 1901-01-31", "is known from 1985-01-02 to"),
        ("--region MOON --as-of 2025-01-31 --regions moon.toml", "There is no exchange calendar 'XMOON'"),
    ],
)
def test_a_day_that_cannot_be_closed_is_refused_in_one_sentence(stream_app: CommandLine, words: str, told: str) -> None:
    Path(stream_app.folder / "moon.toml").write_text('[regions.MOON]\ncalendar = "XMOON"\ninstruments = ["M"]\n')
    refused = stream_app.run_here(f"close {words}")
    assert refused.exit_code == 2
    assert told in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_force_closes_a_day_without_a_session(stream_app: CommandLine) -> None:
    closed = stream_app.run_here("close --region US --as-of 2025-02-01 --force --wait 0")
    assert (closed.exit_code, closed.stderr) == (0, "Closed US 2025-02-01.\n")
