"""`export` over a database with contexts: files that hold what is stored, whole or not at all."""

import asyncio
import io
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from stream_app.export.formats import FORMATS, Format
from stream_app.regime.joint import l2_norm
from stream_app.store import exported, models, revisions
from stream_app.store.database import create_pool, transaction
from stream_app.store.models import Model
from stream_app.store.revisions import NewContext
from tests.integration.cli.conftest import DEADLINE_SECONDS, CommandLine
from tests.integration.cli.written import ROOT, block
from tests.integration.pipeline import until
from tests.unit.export.days import FRIDAY, JOINT, MODELS, MONDAY, TUESDAY, context, vector

NEWEST_VECTORS = """
    SELECT vector::text FROM joint_embeddings WHERE region = ANY($1::text[]) ORDER BY region, as_of_date
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'models'::regclass AND NOT granted"
REGIMES = Model("regimes-us", "regimes", 384, "fingerprint r")
LABELLED = {"regimes_model_id": REGIMES.model_id, "regimes_fingerprint": REGIMES.fingerprint}
LEFT_OUT = "Left out 1 without a vector; --absent takes them in.\n"


async def _store(database_url: str) -> None:
    pool = await create_pool(database_url)
    async with transaction(pool) as conn:
        for model in (*MODELS, REGIMES):
            await models.register(conn, model)
        for told in (
            context(FRIDAY, vector(1)),
            context(MONDAY, vector(2)),
            context(MONDAY, vector(3), revision=2, **LABELLED),
            context(TUESDAY, None),
            context(MONDAY, vector(4), region="EU"),
        ):
            await revisions.append(conn, [NewContext(told, vector(9))])
    await pool.close()


@pytest.fixture
def contexts(database_url: str) -> None:
    """Three days of US, of which the last has no vector, and one of EU."""
    asyncio.run(_store(database_url))


def stored(database_url: str, *regions: str) -> Any:
    """The newest vectors by region and date, as Postgres itself prints them."""

    async def found() -> list[str]:
        database = await asyncpg.connect(database_url)
        rows = await database.fetch(NEWEST_VECTORS, list(regions))
        await database.close()
        return [row[0] for row in rows]

    lines = asyncio.run(found())
    return np.array([[np.float32(number) for number in line.strip("[]").split(",")] for line in lines])


def vectors_of(form: Format, data: bytes) -> Any:
    """The vectors that a file holds, as its own reader reads them."""
    file = io.BytesIO(data)
    match form:
        case "parquet":
            return np.stack(pd.read_parquet(file)["vector"].to_list())
        case "csv":
            return pd.read_csv(file).loc[:, "v000":"v383"].to_numpy(np.float32)
        case "npz":
            return np.load(file, allow_pickle=False)["vectors"]


@pytest.mark.usefixtures("contexts")
@pytest.mark.parametrize("form", FORMATS)
def test_a_file_holds_the_stored_float32_to_the_bit_and_the_same_bytes_each_time(
    stream_app: CommandLine, database_url: str, form: Format
) -> None:
    first = stream_app.run_here(f"export --format {form}")
    assert (first.exit_code, first.stdout) == (0, "")
    assert first.stderr == f"Wrote 3 days of {JOINT} to contexts.{form}.\n{LEFT_OUT}"
    again = stream_app.run_here(f"export --format {form} --output again")
    assert again.exit_code == 0
    data = Path(f"contexts.{form}").read_bytes()
    assert data == Path("again").read_bytes()
    assert vectors_of(form, data).tobytes() == stored(database_url, "EU", "US").tobytes()


@pytest.mark.usefixtures("contexts")
@pytest.mark.parametrize("form", FORMATS)
def test_how_much_is_fetched_at_a_time_changes_no_vector(
    stream_app: CommandLine, database_url: str, form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported, "CHUNK_DAYS", 1)
    assert stream_app.run_here(f"export --format {form}").exit_code == 0
    data = Path(f"contexts.{form}").read_bytes()
    assert vectors_of(form, data).tobytes() == stored(database_url, "EU", "US").tobytes()
    if form == "parquet":
        assert pq.ParquetFile(io.BytesIO(data)).num_row_groups == 3


@pytest.mark.usefixtures("contexts")
def test_regions_and_dates_are_chosen_and_absent_days_taken_in(stream_app: CommandLine) -> None:
    words = "export --format npz --region US --from 2008-09-15 --to 2008-09-16 --absent --output us.npz"
    done = stream_app.run_here(words)
    assert done.stderr == f"Wrote 2 days of {JOINT} to us.npz.\nOf these 1 have no vector.\n"
    with np.load("us.npz", allow_pickle=False) as us:
        assert us["as_of"].tolist() == [MONDAY, TUESDAY]
        assert us["revision"].tolist() == [2, 1]
        assert us["regimes_model_id"].tolist() == ["regimes-us", ""]
        assert us["absent_reason"].tolist() == ["", "no-news"]
        assert us["vectors"][0].tobytes() == vector(3).tobytes()
        assert np.isnan(us["vectors"][1]).all()
        assert us["models"].tolist() == [model.model_id for model in (*MODELS, REGIMES)]


@pytest.mark.usefixtures("contexts")
@pytest.mark.parametrize("form", FORMATS)
def test_standard_output_takes_the_file_alone(stream_app: CommandLine, database_url: str, form: Format) -> None:
    command = [sys.executable, "-m", "stream_app", "export", "--format", form, "--output", "-"]
    done = subprocess.run(command, env=stream_app.environment, capture_output=True, check=True)
    assert vectors_of(form, done.stdout).tobytes() == stored(database_url, "EU", "US").tobytes()
    assert done.stderr.decode() == f"Wrote 3 days of {JOINT}.\n{LEFT_OUT}"


@pytest.mark.usefixtures("contexts")
@pytest.mark.parametrize("form", FORMATS)
def test_a_reader_that_leaves_early_is_no_error(stream_app: CommandLine, form: Format) -> None:
    piped = f"set -o pipefail; {sys.executable} -m stream_app export --format {form} --output - | true"
    ended = subprocess.run(
        ["bash", "-c", piped], cwd=stream_app.folder, env=stream_app.environment, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) in ((0, b""), (0, f"Wrote 3 days of {JOINT}.\n{LEFT_OUT}".encode()))


@pytest.mark.usefixtures("contexts")
def test_a_file_that_is_there_stays_unless_force_is_used(stream_app: CommandLine) -> None:
    file = stream_app.folder / "contexts.csv"
    file.write_text("mine")
    refused = stream_app.run_here("export --format csv")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == "Error: contexts.csv is there already; --force replaces it, --output names another.\n"
    assert file.read_text() == "mine"
    assert stream_app.run_here("export --format csv --force").exit_code == 0
    assert file.read_text().startswith("region,as_of,origin,revision,")


@pytest.mark.usefixtures("contexts")
def test_the_readmes_notebook_reads_what_its_command_writes(stream_app: CommandLine) -> None:
    readme = (ROOT / "README.md").read_text()
    words = block(readme, "sh", "stream-app export").removeprefix("stream-app ")
    assert stream_app.run_here(words).exit_code == 0
    notebook = [sys.executable, "-c", block(readme, "python", "np.load")]
    shown = subprocess.run(notebook, cwd=stream_app.folder, capture_output=True, text=True, check=True)
    assert shown.stdout == f"(2, 384) {MONDAY} {l2_norm(vector(3))!s}\n"


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_found_is_a_file_without_rows(stream_app: CommandLine, form: Format) -> None:
    done = stream_app.run_here(f"export --format {form} --region US")
    assert (done.exit_code, done.stderr) == (0, f"Wrote 0 days of {JOINT} to contexts.{form}.\n")
    assert (stream_app.folder / f"contexts.{form}").stat().st_size > 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--format csv --from 2025-02-01 --to 2025-01-31", "--from 2025-02-01 is after --to 2025-01-31."),
        ("--format csv --output nowhere/contexts.csv", "There is no folder nowhere."),
        ("--format csv --output .", ". is no regular file"),
        ("--format xlsx", "'xlsx' is not one of 'parquet', 'csv', 'npz'"),
        ("", "Missing option '--format'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(stream_app: CommandLine, words: str, told: str) -> None:
    refused = stream_app.run_here(f"export {words}")
    assert refused.exit_code == 2
    assert told in " ".join(refused.stderr.split())
    assert list(stream_app.folder.iterdir()) == []


def test_an_error_leaves_no_file(bare: CommandLine) -> None:
    failed = bare.run_here("--database-url postgresql://nobody@127.0.0.1:1/none export --format csv")
    assert failed.exit_code == 1
    assert list(bare.folder.iterdir()) == []


@asynccontextmanager
async def held_up_after_the_rows(database_url: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Locks the models, which are asked for when every row is written; gives a question: does anybody wait for them?"""
    database = await asyncpg.connect(database_url)
    try:
        async with database.transaction():
            await database.execute("LOCK TABLE models")

            async def waited_for() -> bool:
                return bool(await database.fetchval(WAITING))

            yield waited_for
    finally:
        await database.close()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_and_a_supervisors_signal_leave_no_half_file(
    stream_app: CommandLine, database_url: str, form: Format, number: signal.Signals
) -> None:
    await _store(database_url)
    async with held_up_after_the_rows(database_url) as waited_for:
        with stream_app.started(f"export --format {form}") as export:
            await until(waited_for, "an export that has written its rows")
            (unfinished,) = stream_app.folder.iterdir()
            assert unfinished.name.startswith(f".contexts.{form}.")
            export.send_signal(number)
            assert await asyncio.to_thread(export.wait, DEADLINE_SECONDS) == 130
    assert list(stream_app.folder.iterdir()) == []
