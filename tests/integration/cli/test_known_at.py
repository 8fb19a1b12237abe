"""`--known-at` of `show`, its script and `export`: the same forms, what was known then, and what is left out."""

import asyncio
import datetime as dt
import hashlib
from pathlib import Path

import numpy as np
import pytest

from stream_app.export.formats import FORMATS, Format
from stream_app.scripts.show_joint_regime_context import command
from stream_app.store import revisions, triggers
from stream_app.store.database import connection, create_pool, transaction
from stream_app.store.revisions import NewContext
from stream_app.store.triggers import NewTrigger
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables
from tests.integration.store.test_exported import fill_in
from tests.unit.export.days import FRIDAY, JOINT, MONDAY, TUESDAY, US, context, vector

CLOSED, AMENDED = (dt.datetime(2008, 9, 15, hour, tzinfo=dt.UTC) for hour in (21, 22))
HEADER = "as_of_date,region,episode_id,model_id,dim,l2_norm"
FIRST, SECOND = np.full(384, 0.5, np.float32), np.full(384, 1.5, np.float32)
OLD, NEW = (f"2008-09-15,US,,{JOINT},384,{norm}" for norm in ("9.797959", "29.393877"))
WAITING = "UPDATE day_triggers SET known_at = $1"


async def _store(database_url: str) -> None:
    pool = await create_pool(database_url)
    await fill_in(pool, "US", FRIDAY, 3)
    async with transaction(pool) as conn:
        for told in (
            context(MONDAY, FIRST, known_at=CLOSED),
            context(TUESDAY, None, known_at=CLOSED),
            context(MONDAY, SECOND, revision=2, known_at=AMENDED),
        ):
            await revisions.append(conn, [NewContext(told, None)])
        await triggers.make(conn, "EU", US, [NewTrigger(MONDAY, 1, CLOSED, False)], CLOSED)
        await conn.execute(WAITING, AMENDED)
    await pool.close()


@pytest.fixture
def contexts(database_url: str) -> None:
    """Monday amended, Tuesday absent, Friday filled in; EU's Monday was closed at the amendment and still waits."""
    asyncio.run(_store(database_url))


FILLED_IN = "Left out 1 day that a seed command filled in: when they were known is not recorded.\n"
STILL_WAITS = (
    "Of 1 day that had closed or been amended by {} the context is still to be computed: ask again once a worker has.\n"
)
NOTHING = f"No contexts of model {JOINT} were found"


@pytest.mark.usefixtures("contexts")
@pytest.mark.parametrize(
    ("words", "rows", "told"),
    [
        ("2008-09-15T21:00:00Z", [OLD], FILLED_IN),
        ("2008-09-15T17:59:59.999-04:00", [OLD], FILLED_IN),
        ("2008-09-15T18:00:00-04:00", [NEW], FILLED_IN + STILL_WAITS.format("2008-09-15T22:00:00Z")),
        ("2008-09-15T22:00:00Z --region US --start 2008-09-15", [NEW], ""),
        (
            "2008-09-15T20:59:59.999Z --start 2008-09-13",
            [],
            f"{NOTHING} from 2008-09-13 as known at 2008-09-15T20:59:59.999000Z; "
            "the first was known at 2008-09-15T21:00:00Z.\n",
        ),
        ("2008-09-15T21:00Z --region JP", [], f"{NOTHING} for JP as known at 2008-09-15T21:00:00Z.\n"),
        (
            "2261-01-01T00:00:00Z --region US --end 2008-09-15 --start 2008-09-15",
            [NEW],
            "2261-01-01T00:00:00Z is still to come: this is what is known now.\n",
        ),
    ],
)
def test_contexts_are_shown_as_they_were_known_and_what_cannot_be_told_is_said(
    stream_app: CommandLine, words: str, rows: list[str], told: str
) -> None:
    for shown in (
        stream_app.run_here(f"show --known-at {words}"),
        stream_app.run_here(f"show-joint-regime-context --known-at {words}"),
        stream_app.run_here(f"--known-at {words}", command),
    ):
        assert (shown.exit_code, shown.stdout.splitlines()) == (0, [HEADER, *rows])
        assert shown.stderr == told


@pytest.mark.usefixtures("contexts")
def test_without_it_the_newest_are_shown_as_before(stream_app: CommandLine) -> None:
    shown = stream_app.run_here("show --start 2008-09-15")
    assert (shown.stdout.splitlines(), shown.stderr) == ([HEADER, NEW], "")
    assert len(stream_app.run_here("show").stdout.splitlines()) == 3


@pytest.mark.usefixtures("contexts")
@pytest.mark.parametrize("words", ["show", "export --format csv"])
def test_that_a_model_was_added_later_is_said(stream_app: CommandLine, tables: Tables, words: str) -> None:
    tables.fetch("INSERT INTO models VALUES ($1, 'joint', 384, 'any', $2)", JOINT, AMENDED.replace(microsecond=9))
    asked = f"{words} --known-at 2008-09-15T21:00:00Z --region US"
    later = (
        f"2 days closed before {JOINT} was added to this database, at 2008-09-15T22:00:00Z: each counts as known from "
        "its close, though its context was computed later.\n"
    )
    assert later in stream_app.run_here(asked).stderr, "Tuesday's absence, too"
    tables.fetch("UPDATE models SET created_at = $1", CLOSED)
    assert "was added" not in stream_app.run_here(f"{asked} --force" if "export" in words else asked).stderr


def written(form: Format) -> str:
    """A file's digest; the file goes."""
    file = Path(f"contexts.{form}")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    return digest


@pytest.mark.usefixtures("contexts")
@pytest.mark.parametrize("form", FORMATS)
def test_a_file_of_what_was_known_has_the_same_bytes_after_all_that_came_since(
    stream_app: CommandLine, database_url: str, form: Format
) -> None:
    words = f"export --format {form} --known-at 2008-09-15T21:30:00Z"
    first = stream_app.run_here(words)
    assert (first.exit_code, first.stdout) == (0, "")
    assert first.stderr == (
        f"Wrote 1 days of {JOINT} to contexts.{form}.\n"
        f"Left out 1 without a vector; --absent takes them in.\n{FILLED_IN}"
    )
    before = written(form)

    async def much_later() -> None:
        pool = await create_pool(database_url)
        async with transaction(pool) as conn:
            for revision in (3, 4):
                late = context(MONDAY, vector(revision), revision=revision, known_at=AMENDED)
                await revisions.append(conn, [NewContext(late, None)])
            await revisions.append(conn, [NewContext(context(FRIDAY, vector(5), known_at=AMENDED), None)])
        async with connection(pool) as conn:
            await revisions.mark_published(conn, "US", [context(MONDAY, FIRST)])
        await pool.close()

    asyncio.run(much_later())
    again = stream_app.run_here(words)
    assert again.exit_code == 0
    assert written(form) == before
    assert stream_app.run_here(f"export --format {form}").exit_code == 0
    assert written(form) != before


@pytest.mark.usefixtures("contexts")
def test_days_that_were_absent_then_are_taken_in_when_asked_for(stream_app: CommandLine) -> None:
    done = stream_app.run_here("export --format csv --known-at 2008-09-15T21:30:00Z --absent")
    assert f"Wrote 2 days of {JOINT} to contexts.csv.\nOf these 1 have no vector.\n" in done.stderr
    lines = Path("contexts.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["2008-09-15", "2008-09-16"]
    assert [line.split(",")[3] for line in lines[1:]] == ["1", "1"]


@pytest.mark.usefixtures("contexts")
def test_an_export_of_an_instant_before_all_says_when_the_first_was_known(stream_app: CommandLine) -> None:
    done = stream_app.run_here("export --format csv --known-at 2008-09-14T00:00:00Z")
    assert done.stderr == (
        f"Wrote 0 days of {JOINT} to contexts.csv as known at 2008-09-14T00:00:00Z; "
        f"the first was known at 2008-09-15T21:00:00Z.\n{FILLED_IN}"
    )


@pytest.mark.parametrize("words", ["show", "export --format csv"])
@pytest.mark.parametrize(
    ("instant", "told"),
    [
        ("2008-09-15T20:15:00", "has no offset: end it with Z for UTC, or with one such as +01:00."),
        ("2008-09-15", "is not of the form YYYY-MM-DDTHH:MM:SSZ."),
    ],
)
def test_an_instant_without_an_offset_is_refused_in_one_sentence(
    stream_app: CommandLine, words: str, instant: str, told: str
) -> None:
    refused = stream_app.run_here(f"{words} --known-at {instant}")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert told in " ".join(refused.stderr.split())
    assert list(stream_app.folder.iterdir()) == []
