"""A database that an older release left is not touched before `db upgrade` was run: until then one sentence says so."""

import asyncio
import shutil
from pathlib import Path

import pytest

import migrations
from stream_app.store.migrate import status
from tests.integration.cli.conftest import CommandLine

NEXT = '''
revision = "9999"
down_revision = "{newest}"


def upgrade():
    """Nothing is to be changed."""
'''


@pytest.fixture
def newest(database_url: str) -> str:
    """This release's newest revision."""
    return asyncio.run(status(database_url)).newest


@pytest.fixture
def next_release(newest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process have one more migration."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    (folder / "versions" / "r9999_next.py").write_text(NEXT.format(newest=newest))
    monkeypatch.setattr(migrations, "__file__", str(folder / "__init__.py"))


@pytest.mark.usefixtures("next_release")
def test_a_worker_and_an_ingestion_say_what_to_run_and_the_upgrade_goes_from_one_to_the_other(
    stream_app: CommandLine, newest: str
) -> None:
    (stream_app.folder / "closes.csv").write_text("instrument_id,trade_date,close,volume\nSPX.US,2025-01-31,1,1\n")
    told = f"The database is at revision {newest}, this release needs 9999: run `stream-app db upgrade`.\n"
    for words, code in (("worker", 1), ("ingest prices closes.csv --close-days", 2)):
        refused = stream_app.run_here(words)
        assert (refused.exit_code, refused.stdout, refused.stderr) == (code, "", f"Error: {told}")
    assert stream_app.run_here("db status").stdout == told

    upgraded = stream_app.run_here("db upgrade")
    assert (upgraded.exit_code, upgraded.stdout) == (0, f"The database went from revision {newest} to 9999.\n")
    assert "is up to date, at revision 9999." in stream_app.run_here("db status").stdout
