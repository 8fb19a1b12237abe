"""From prices and news to contexts and back, with SCRAM over TLS to Kafka and a verified Postgres."""

import asyncio
import datetime as dt
import json
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from stream_app.config import load_settings
from stream_app.endpoints import find
from tests.integration.cli.conftest import CommandLine
from tests.integration.pipeline import DEADLINE_SECONDS, pipeline, weekdays
from tests.integration.security.conftest import TOPIC_PREFIX, Secured
from tests.integration.text_models import QuickModel
from tests.models_file import CORE, write_models

DAY = dt.date(2008, 9, 15)
ONE_DAY = f"--region US --start {DAY} --end {DAY}"
ROW = f"{DAY},US,"
STAGES = {"prices", "news", "contexts"}


def write_inputs(folder: Path) -> None:
    """Eight days of prices, and news of the last one."""
    rows = [f"SPX.US,{day},{1200 + number},1000" for number, day in enumerate(weekdays(DAY, 8))]
    (folder / "prices.csv").write_text("\n".join(["instrument_id,trade_date,close,volume", *rows]) + "\n")
    article = {"article_id": "a", "published_at": f"{DAY}T14:00:00Z", "headline": "A bank falls.", "language": "en"}
    (folder / "news.jsonl").write_text(json.dumps(article) + "\n")


def settings_of(commands: CommandLine) -> dict[str, str]:
    """The settings of these commands, named without their prefix."""
    prefix = "STREAM_APP_"
    return {n.removeprefix(prefix): value for n, value in commands.environment.items() if n.startswith(prefix)}


OTHER_MODELS = """
[models.numeric]
kind = "numeric"
algorithm = "raw-path"

[models.text]
kind = "text"
algorithm = "mean-pooling"

[models.joint]
kind = "joint"
algorithm = "average"
inputs = ["numeric", "text"]
"""


def command_lines(*roots: psutil.Process) -> Iterator[str]:
    """Of these processes and of all that they have started."""
    for root in roots:
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                yield " ".join(process.cmdline())


async def test_the_whole_path_goes_over_tls_with_a_login_and_shows_no_password(
    secured: Secured, commands: CommandLine, model: QuickModel
) -> None:
    commands.environment["STREAM_APP_MODELS_FILE"] = str(write_models(commands.folder, window_days=5))
    commands.environment["STREAM_APP_JOINT_MODELS"] = CORE
    write_inputs(commands.folder)
    told: list[str] = []

    async def run(words: str) -> str:
        ended = await asyncio.to_thread(commands.run, words)
        told.append(ended.stdout + ended.stderr)
        assert ended.returncode == 0, told[-1]
        return told[-1]

    await run("db upgrade")
    settings = {name.lower(): value for name, value in settings_of(commands).items()}
    found = find(load_settings(settings))
    async with pipeline(found, found.database_url, TOPIC_PREFIX, window_days=5) as path:
        path.start(*STAGES)
        await run("ingest news news.jsonl")
        assert "All that was closed is computed." in await run("ingest prices prices.csv --close-days")
        assert ROW in await run(f"close --region US --as-of {DAY}")
        assert ROW in await run(f"show {ONE_DAY}")
        assert "8 days computed again, 0 changed." in await run("replay")
        assert [context.vector is not None for context in await path.contexts() if context.as_of == DAY] == [True]
    assert [secret for secret in secured.secrets if secret in "\n".join(told)] == []
    assert (secured.front.encrypted > 0, secured.front.plain) == (True, 0)


def test_a_worker_hands_no_password_on_by_a_command_line_and_logs_none(secured: Secured, commands: CommandLine) -> None:
    assert commands.run_here("db upgrade").exit_code == 0
    commands.environment["STREAM_APP_DATABASE_PASSWORD_FILE"] = ""
    models = commands.folder / "others.toml"  # those of the other test are other models under the packaged ids
    models.write_text(OTHER_MODELS, encoding="utf-8")
    commands.environment.update(STREAM_APP_MODELS_FILE=str(models), STREAM_APP_JOINT_MODELS="joint")
    url = secured.front.url(secured.verified, password=secured.postgres.password)
    with commands.started(f"worker --database-url {url}") as worker:
        assert worker.stderr is not None
        log: list[str] = []
        for line in worker.stderr:
            log.append(line)
            if "stage prices is ready" in line:
                break
        assert worker.poll() is None, log
        services = [service.daemon.process() for service in (secured.kafka, secured.postgres)]
        own, *others = command_lines(psutil.Process(worker.pid), *filter(None, services))
        worker.send_signal(signal.SIGTERM)
        log += worker.stderr
        assert worker.wait(DEADLINE_SECONDS) == 0
    assert secured.postgres.password in own
    assert {line.split("--stage ")[1].split()[0] for line in others if "--stage " in line} == STAGES
    assert any("kafka.Kafka" in line for line in others)
    assert any("bin/postgres" in line for line in others)
    assert [line for line in (*others, *log) if any(secret in line for secret in secured.secrets)] == []


def test_db_url_prints_the_password_that_psql_needs(secured: Secured, commands: CommandLine) -> None:
    printed = commands.run_here("db url").stdout
    assert printed == secured.front.url(secured.verified, password=secured.postgres.password) + "\n"
