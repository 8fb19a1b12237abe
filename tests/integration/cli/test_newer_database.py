"""A database that a newer release has upgraded is left alone: this release says what it found and ends."""

import asyncio

import asyncpg
import pytest

from tests.integration.cli.conftest import CommandLine

TOLD = "The database is at revision 9999 of a newer release"
NEWER = "UPDATE alembic_version SET version_num = '9999'"
AT = "SELECT version_num FROM alembic_version"


async def _said_of(database_url: str, statement: str) -> list[str]:
    database = await asyncpg.connect(database_url)
    try:
        return [row[0] for row in await database.fetch(statement)]
    finally:
        await database.close()


@pytest.fixture(autouse=True)
def newer(database_url: str) -> None:
    """The test's database as a later release would leave it."""
    asyncio.run(_said_of(database_url, NEWER))


def test_it_is_named_and_not_upgraded(stream_app: CommandLine, database_url: str) -> None:
    refused = stream_app.run_here("db upgrade")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"Error: {TOLD}")
    assert refused.stderr.endswith("install the newer one.\n")
    assert refused.stderr.count("\n") == 1
    assert stream_app.run_here("db status").stdout == refused.stderr.removeprefix("Error: ")
    assert asyncio.run(_said_of(database_url, AT)) == ["9999"]


@pytest.mark.parametrize("words", ["worker", "worker --stage contexts"])
def test_no_worker_starts_on_it(stream_app: CommandLine, words: str) -> None:
    refused = stream_app.run(words)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert TOLD in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_no_file_is_ingested_that_would_close_days_on_it(stream_app: CommandLine) -> None:
    (stream_app.folder / "closes.csv").write_text("instrument_id,trade_date,close,volume\nSPX.US,2025-01-31,1,1\n")
    refused = stream_app.run_here("ingest prices closes.csv --close-days")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"Error: {TOLD}")


@pytest.mark.parametrize(
    "words",
    [
        "run-numeric-regime --region US --instrument-id SPX.US",
        "backfill-text-embeddings",
        "backfill-joint-regime-context --region US",
    ],
)
def test_no_history_is_filled_in_on_it(stream_app: CommandLine, words: str) -> None:
    refused = stream_app.run_here(f"{words} --as-of 2025-01-31")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"Error: {TOLD}")
