"""`db prune` says how large the tables are, and takes nothing away that an answer depends on."""

import asyncio
import datetime as dt

import asyncpg
import pytest

from stream_app.replay.over_stored import Compared
from stream_app.replay.run import Asked, diff
from stream_app.store import housekeeping
from stream_app.store.trigger_queue import EVERY_DAY
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables
from tests.integration.pipeline import Place
from tests.integration.positions.history import DAYS, LAST, SETTINGS, amended, live, prices
from tests.integration.replay.shown import Counted
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

WINDOWS = "SELECT as_of_date FROM numeric_window_embeddings ORDER BY 1"
PUT_LETTER = """
    INSERT INTO dead_letters (topic, log_epoch, partition, log_offset, log_timestamp_ms, event_id, reason, error,
        position_ms, published, requeued_at, discarded_at)
    VALUES ('prices.closes', 1, 0, $1, $2, 'e', 'r', 'e', 0, $3 <> 'unpublished',
        CASE WHEN $3 IN ('requeued', 'unpublished') THEN now() END, CASE WHEN $3 = 'discarded' THEN now() END)
"""
LETTERS = [
    *[(DAYS[0], "requeued")] * 3,
    *[(DAYS[1], "discarded")] * 2,
    (DAYS[0], "waits"),
    (DAYS[0], "unpublished"),
    (LAST, "requeued"),
    (LAST, "discarded"),
]
STORED = [(price.trade_date,) for price in prices()][3:]


async def lived(place: Place, model: QuickModel) -> None:
    """Three days are closed and computed."""
    async with place.pipeline(**SETTINGS) as path, stepping(path, model) as steps:
        await live(path, steps)


async def corrected(place: Place, model: QuickModel) -> Compared:
    """A replay finds nothing to change; then an old close is corrected, and a replay finds nothing again."""
    async with place.pipeline(**SETTINGS) as path, stepping(path, model) as steps:
        assert await diff(path.services, Asked((), EVERY_DAY, None), Counted(), redefined=False) == Compared(3, [])
        await path.send(*prices(change=5.0))
        await amended(steps)
        return await diff(path.services, Asked((), EVERY_DAY, None), Counted(), redefined=False)


def test_windows_before_a_day_go_no_context_changes_and_a_correction_makes_them_again(
    stream_app: CommandLine, place: Place, tables: Tables, model: QuickModel
) -> None:
    asyncio.run(lived(place, model))
    assert tables.fetch(WINDOWS) == STORED
    would = stream_app.run_here(f"db prune --windows-before {LAST} --dry-run")
    assert (would.exit_code, would.stderr) == (0, f"{len(STORED) - 1} numeric windows would go.\n")
    assert tables.fetch(WINDOWS) == STORED
    gone = stream_app.run_here(f"db prune --windows-before {LAST}")
    assert gone.stderr.startswith(f"{len(STORED) - 1} numeric windows are gone")
    assert tables.fetch(WINDOWS) == [(LAST,)]
    assert asyncio.run(corrected(place, model)) == Compared(len(DAYS), [])
    assert tables.fetch(WINDOWS) == STORED


def test_a_window_that_a_worker_is_replacing_is_passed_over(
    stream_app: CommandLine, place: Place, tables: Tables, model: QuickModel, database_url: str
) -> None:
    asyncio.run(lived(place, model))

    async def pruned_beside_a_transaction() -> str:
        connection = await asyncpg.connect(database_url)
        async with connection.transaction():
            await connection.execute("UPDATE numeric_window_embeddings SET rows = rows WHERE as_of_date = $1", DAYS[0])
            done = await asyncio.to_thread(stream_app.run, f"db prune --windows-before {LAST}")
        await connection.close()
        return done.stderr

    assert asyncio.run(pruned_beside_a_transaction()).startswith(f"{len(STORED) - 2} numeric windows are gone")
    assert tables.fetch(WINDOWS) == [(DAYS[0],), (LAST,)]


def test_every_tables_size_is_told_and_what_may_go(stream_app: CommandLine, tables: Tables) -> None:
    told = {line.split()[0]: line.split()[-1] for line in stream_app.run_here("db prune").stdout.splitlines()}
    names = tables.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert told.keys() == {row[0] for row in names}
    assert {name for name, how in told.items() if how != "stays"} == {"numeric_window_embeddings", "dead_letters"}


def test_letters_go_that_were_handled_and_published_and_are_old(
    stream_app: CommandLine, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "LETTERS_AT_A_TIME", 2)
    for offset, (day, state) in enumerate(LETTERS):
        tables.fetch(
            PUT_LETTER,
            offset,
            int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) * 1000,
            state,
        )
    would = stream_app.run_here(f"db prune --letters-before {LAST} --dry-run")
    assert would.stderr == "5 dead letters would go.\n"
    gone = stream_app.run_here(f"db prune --letters-before {LAST}")
    assert gone.stderr == "5 dead letters are gone; they stay on their topic.\n"
    left = [LETTERS[row[0]] for row in tables.fetch("SELECT log_offset FROM dead_letters ORDER BY 1")]
    assert left == [letter for letter in LETTERS if letter[1] in ("waits", "unpublished") or letter[0] == LAST]


@pytest.mark.parametrize("days", [0, 89])
def test_young_windows_stay(stream_app: CommandLine, days: int) -> None:
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days)
    refused = stream_app.run_here(f"db prune --windows-before {day}")
    assert refused.exit_code == 2
    assert "Windows of the last 90 days stay: give a date up to " in refused.stderr
