"""`show` and `db status` over a database with contexts."""

import asyncio
import datetime as dt
import json
import subprocess
import sys

import asyncpg
import numpy as np
import pytest

from schemas import Definition
from stream_app.config import load_regions
from stream_app.contexts.closing import definition_of
from stream_app.scripts.show_joint_regime_context import command
from stream_app.store import triggers
from stream_app.store.database import connect
from stream_app.store.triggers import NewTrigger
from tests.integration.cli.conftest import CommandLine

HEADER = "as_of_date,region,episode_id,model_id,dim,l2_norm"
SCRIPT = "stream_app.scripts.show_joint_regime_context"
CLOSED_AT = dt.datetime(2025, 1, 31, 21, 15, tzinfo=dt.UTC)
PUT = """
    INSERT INTO joint_embeddings (as_of_date, region, entity_scope, model_id, revision, vector)
    VALUES ($1, $2, '{}', $3, 1, $4::text::vector)
"""
MARK_COMPUTED = "UPDATE day_triggers SET computed = true"


async def put(database_url: str, day: dt.date, region: str, length: float, model: str = "joint-regime-core-v1") -> None:
    """A context whose vector has this length."""
    vector = np.zeros(384)
    vector[7] = length
    database = await asyncpg.connect(database_url)
    await database.execute(PUT, day, region, model, f"[{','.join(map(str, vector))}]")
    await database.close()


@pytest.fixture
async def three_contexts(database_url: str) -> None:
    """Two regions and two days."""
    await put(database_url, dt.date(2025, 1, 31), "US", 12.345678)
    await put(database_url, dt.date(2025, 1, 31), "EU", 1e7)
    await put(database_url, dt.date(2025, 1, 30), "US", 0.5)
    await put(database_url, dt.date(2025, 1, 29), "US", 3.0, "another-model")


US_30 = "2025-01-30,US,,joint-regime-core-v1,384,0.500000"
EU_31 = "2025-01-31,EU,,joint-regime-core-v1,384,10000000.000000"
US_31 = "2025-01-31,US,,joint-regime-core-v1,384,12.345678"


@pytest.mark.usefixtures("three_contexts")
@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("", [US_30, EU_31, US_31]),
        ("--format csv", [US_30, EU_31, US_31]),
        ("--region US --start 2025-01-30 --end 2025-01-31 --model-id joint-regime-core-v1 --limit 10", [US_30, US_31]),
        ("--region US --region EU", [US_30, EU_31, US_31]),
        ("--limit 2", [EU_31, US_31]),
        ("--start 2025-01-31 --region EU", [EU_31]),
        ("--end 2025-01-30", [US_30]),
        ("--model-id another-model", ["2025-01-29,US,,another-model,384,3.000000"]),
    ],
)
def test_contexts_are_shown_as_csv_newest_last(stream_app: CommandLine, words: str, rows: list[str]) -> None:
    for shown in (stream_app.run_here(f"show {words}"), stream_app.run_here(words, command)):
        assert shown.stdout.splitlines() == [HEADER, *rows]
        assert (shown.exit_code, shown.stderr) == (0, "")


@pytest.mark.usefixtures("three_contexts")
def test_contexts_are_shown_as_json(stream_app: CommandLine) -> None:
    shown = stream_app.run_here("show --format json --region US --start 2025-01-31")
    assert json.loads(shown.stdout) == [
        {
            "as_of_date": "2025-01-31",
            "region": "US",
            "episode_id": None,
            "model_id": "joint-regime-core-v1",
            "dim": 384,
            "l2_norm": 12.345678,
        }
    ]
    assert stream_app.run_here("show --format json --region us").stdout == "[]\n"


@pytest.mark.usefixtures("three_contexts")
def test_contexts_are_shown_as_a_table(stream_app: CommandLine) -> None:
    shown = stream_app.run_here("show --format table")
    assert [line.split() for line in shown.stdout.splitlines()] == [
        HEADER.split(","),
        *[[field for field in row.split(",") if field] for row in (US_30, EU_31, US_31)],
    ]


@pytest.mark.usefixtures("three_contexts")
def test_nothing_found_is_the_header_alone_and_a_word_on_standard_error(stream_app: CommandLine) -> None:
    shown = stream_app.run("--region us --start 2025-01-01", module=SCRIPT)
    assert shown.stdout == f"{HEADER}\n"
    assert shown.stderr == "No contexts of model joint-regime-core-v1 were found for us from 2025-01-01.\n"
    assert shown.returncode == 0


@pytest.mark.usefixtures("three_contexts")
def test_redirected_into_a_file_it_is_a_csv_whatever_is_logged(stream_app: CommandLine) -> None:
    with (stream_app.folder / "contexts.csv").open("w") as file:
        subprocess.run(
            [sys.executable, "-m", "stream_app", "--log-level", "DEBUG", "show"],
            env=stream_app.environment,
            stdout=file,
            check=True,
        )
    assert (stream_app.folder / "contexts.csv").read_bytes() == f"{HEADER}\n{US_30}\n{EU_31}\n{US_31}\n".encode()


@pytest.mark.usefixtures("three_contexts")
def test_a_reader_that_leaves_early_is_no_error(stream_app: CommandLine) -> None:
    piped = f"set -o pipefail; {sys.executable} -m stream_app show | true"
    ended = subprocess.run(
        ["bash", "-c", piped], cwd=stream_app.folder, env=stream_app.environment, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_the_script_explains_itself_and_refuses_in_one_sentence(bare: CommandLine) -> None:
    shown = bare.run("--help", module=SCRIPT)
    assert f"Usage: python -m {SCRIPT} [OPTIONS]" in " ".join(shown.stdout.split())
    refused = bare.run_here("--start 2025-02-30", command)
    assert refused.exit_code == 2
    assert "There is no date 2025-02-30" in refused.stderr


async def _computed(database_url: str, region: str, definition: Definition, *days: dt.date) -> None:
    connection = await connect(database_url)
    await triggers.make(
        connection, region, definition, [NewTrigger(day, 1, CLOSED_AT, False) for day in days], CLOSED_AT
    )
    await connection.execute(MARK_COMPUTED)
    await connection.close()


def computed(database_url: str, region: str, definition: Definition, *days: dt.date) -> None:
    """Days closed and computed under a definition."""
    asyncio.run(_computed(database_url, region, definition, *days))


def test_status_names_the_days_computed_under_another_definition(stream_app: CommandLine, database_url: str) -> None:
    us, eu = (definition_of(load_regions()[name]) for name in ("US", "EU"))
    older = Definition(
        calendar=us.calendar,
        instruments=("SPX.US", "NDX.US"),
        languages=us.languages,
        news="tagged",
        news_day=us.news_day,
    )
    computed(database_url, "EU", eu, dt.date(2025, 1, 31))
    assert "under today's region definitions" in stream_app.run_here("db status").stdout

    computed(database_url, "US", older, dt.date(2025, 1, 30), dt.date(2025, 1, 31))
    computed(database_url, "US", us, dt.date(2025, 2, 3))
    computed(database_url, "MARS", us, dt.date(2025, 2, 3))
    assert stream_app.run_here("db status").stdout.splitlines()[1:] == [
        "MARS: 2025-02-03 computed; the region is no longer in the regions file.",
        "US: 2 days from 2025-01-30 to 2025-01-31 computed under another definition: "
        "instruments SPX.US,NDX.US is now SPX.US, news tagged is now all.",
    ]
    assert "  2025-01-30\n  2025-01-31\n" in stream_app.run_here("db status --days").stdout
