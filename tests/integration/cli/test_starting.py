"""What a person meets first: help without waiting, and one sentence where the services are not there."""

import json
import re
import socket

import pytest

from tests.integration.cli.conftest import CommandLine

HEAVY = ("faust", "asyncpg", "numpy", "torch", "aiokafka", "exchange_calendars", "alembic", "sqlalchemy", "pydantic")
NOWHERE = "--kafka-url 127.0.0.1:1 --database-url postgresql://me:s3cr3t@127.0.0.1:1/d"


def test_help_loads_nothing_heavy(bare: CommandLine) -> None:
    probe = "import sys, stream_app.cli; print(*sys.modules)"
    (bare.folder / "probe.py").write_text(probe)
    loaded = set(bare.run("", module="probe").stdout.split())
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_module_is_the_command(bare: CommandLine) -> None:
    shown = bare.run("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Usage: python -m stream_app" in shown.stdout


@pytest.mark.parametrize(
    "words",
    ["show", "export --format csv", "db status", "db upgrade", "close --region US --as-of 2025-01-31"],
)
def test_services_that_are_away_are_one_sentence_and_exit_code_1(bare: CommandLine, words: str) -> None:
    ended = bare.run_here(f"{words} {NOWHERE}")
    assert ended.exit_code == 1
    assert re.fullmatch(r"Error: (Postgres is away|Kafka): [^\n]+ `stream-app up` [^\n]+\n", ended.stderr)
    assert "s3cr3t" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(("user", "name"), [("nobody_here", "{}"), ("stream_app", "no_such_database")])
def test_a_login_or_database_that_postgres_refuses_is_one_sentence(
    stream_app: CommandLine, user: str, name: str
) -> None:
    good = stream_app.environment["STREAM_APP_DATABASE_URL"]
    server, _, database = good.rpartition("/")
    wrong = server.replace("//stream_app:", f"//{user}:") + "/" + name.format(database)
    for words in ("show", "db status", "db upgrade"):
        ended = stream_app.run_here(f"{words} --database-url {wrong}")
        assert ended.exit_code == 1
        assert re.fullmatch(r"Error: Postgres [^\n]+\n", ended.stderr)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("worker", r"Error: (The health port 127\.0\.0\.1:\d+ cannot be opened: Address already in use\.)\n"),
        ("worker --stage prices", r'time=\S+ level=CRITICAL stage=prices message="(The health port [^"\n]+)"\n'),
    ],
)
def test_a_health_port_in_use_is_one_sentence_and_exit_code_2(bare: CommandLine, words: str, line: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bare.environment["STREAM_APP_HEALTH_PORT"] = str(taken.getsockname()[1])
        ended = bare.run(f"{words} {NOWHERE}")
    assert ended.returncode == 2
    assert re.fullmatch(line, ended.stderr)


@pytest.mark.parametrize("words", ["worker", "worker --stage prices"])
def test_where_a_program_reads_the_log_what_ends_a_worker_is_a_line_of_json(bare: CommandLine, words: str) -> None:
    bare.environment["STREAM_APP_LOG_FORMAT"] = "json"
    ended = bare.run_here(words)
    assert ended.exit_code == 2
    assert json.loads(ended.stderr)["message"].startswith("Kafka is not running in .stream-app: `stream-app up` starts")


def test_a_bug_that_ends_a_stage_is_a_log_line(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(*_arguments: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("stream_app.worker.run_reporting", failing)
    bare.environment["STREAM_APP_LOG_FORMAT"] = "json"
    ended = bare.run_here(f"worker --stage prices {NOWHERE}")
    assert ended.exit_code == 1
    told = json.loads(ended.stderr)
    assert told["level"] == "CRITICAL"
    assert told["exception"].endswith("ZeroDivisionError: a bug")
