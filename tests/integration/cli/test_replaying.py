"""`replay` as a person runs it."""

import asyncio
import signal
from dataclasses import replace

import pytest

from schemas import PriceClose
from stream_app.store.database import connect
from tests.integration.cli.conftest import CommandLine
from tests.integration.lived import DAYS, LIVE, dump, live_run
from tests.integration.pipeline import Place, close, until
from tests.integration.text_models import QuickModel
from tests.models_file import CORE, write_models

WAITS_FOR_PRICES = """
    SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'prices_daily'::regclass AND NOT granted)
"""


def into(place: Place, stream_app: CommandLine) -> CommandLine:
    """The command line with another database."""
    models = write_models(stream_app.folder, window_days=LIVE["window_days"])
    own = {"STREAM_APP_DATABASE_URL": place.database_url, "STREAM_APP_MODELS_FILE": str(models)}
    environment = stream_app.environment | {"STREAM_APP_JOINT_MODELS": CORE} | own
    return replace(stream_app, environment=environment)


async def test_over_a_full_database_it_says_that_nothing_changed(
    place: Place, stream_app: CommandLine, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        for words in ("replay", "replay --diff --region US --from 2008-09-01 --to 2008-09-30"):
            ran = await asyncio.to_thread(into(place, stream_app).run, words)
            told = "would change" if "--diff" in words else "changed"
            assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", f"3 days computed again, 0 {told}.\n")
        newest = await path.value("SELECT max(revision) FROM joint_embedding_revisions WHERE as_of_date = '2008-09-15'")
        await path.fetch("UPDATE prices_daily SET close = close + 1 WHERE trade_date = '2008-09-15'")
        ran = await asyncio.to_thread(into(place, stream_app).run, "replay --diff")
        assert ran.stdout.startswith(f"US 2008-09-15 {CORE} revision {newest + 1}: the contents of prices or articles")
        assert ran.stderr == "3 days computed again, 1 would change.\n"
        ran = await asyncio.to_thread(into(place, stream_app).run, "replay --recompute")
        assert ran.stderr == "Every day stands on today's definitions: nothing to do.\n"


START_ONE = "Start one with `stream-app worker`, which computes and publishes what waits."


async def lived(place: Place, *since: PriceClose) -> None:
    """A live run, and records that arrive when no worker is left."""
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        await path.send(*since)


def test_what_a_worker_has_not_taken_yet_is_told_beside_what_did_not_change(
    place: Place, stream_app: CommandLine, model: QuickModel
) -> None:
    asyncio.run(lived(place, close("SPX.US", DAYS[1], 77.0), close("NDX.US", DAYS[1], 88.0)))
    for words, told in (("replay", "changed"), ("replay --diff", "would change")):
        ran = into(place, stream_app).run_here(words)
        assert (ran.exit_code, ran.stderr.splitlines()) == (
            0,
            [
                f"3 days computed again, 0 {told}.",
                "2 records wait for a worker: they lie beyond what this database has taken from the log.",
                START_ONE,
            ],
        )


def test_days_that_an_earlier_replay_left_out_are_named_where_they_are_asked_for(
    place: Place, emptied: Place, stream_app: CommandLine, model: QuickModel
) -> None:
    asyncio.run(lived(place))
    command = into(emptied, stream_app)
    first = command.run_here("replay --region EU")
    assert (first.exit_code, "0 contexts made" in first.stderr) == (0, True)
    asked = command.run_here("replay --region US --from 2008-09-12")
    assert (asked.exit_code, asked.stderr.splitlines()) == (
        0,
        ["0 days computed again, 0 changed.", "US: 2 days wait for a worker: 2008-09-12, 2008-09-15", START_ONE],
    )
    assert command.run_here("replay --region EU").stderr == "0 days computed again, 0 changed.\n"


async def test_ctrl_c_stops_it_and_the_next_goes_on(
    place: Place, emptied: Place, stream_app: CommandLine, model: QuickModel
) -> None:
    """Another model than the live one's, so the texts are encoded anew, which is told."""
    model.fingerprint = "of another model"
    command = into(emptied, stream_app)
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        texts = await path.value("SELECT count(*) FROM text_vectors")
        live_model = await path.value("SELECT DISTINCT fingerprint FROM text_vectors")
        revisions = len((await dump(path))["joint_embedding_revisions"])
    conn = await connect(emptied.database_url)
    async with conn.transaction():
        await conn.execute("LOCK TABLE prices_daily")
        with command.started("replay") as replay:

            async def is_held_up() -> bool:
                return bool(await conn.fetchval(WAITS_FOR_PRICES))

            await until(is_held_up, "the replay is at the prices")
            replay.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(replay.wait, 60) == 130
            assert replay.stderr is not None
            assert replay.stderr.read() == "Stopped; run the same command again: what is done stays done.\n"
        # Some may have been encoded by then.
        texts -= await conn.fetchval("SELECT count(*) FROM text_vectors WHERE fingerprint <> $1", live_model)
    await conn.close()
    worker = await asyncio.to_thread(command.run, "worker --stage prices")
    assert worker.returncode == 2
    assert "A replay into this database has not finished" in worker.stderr
    ran = await asyncio.to_thread(command.run, "replay")
    assert (ran.returncode, ran.stdout) == (0, "")
    first, *rest = ran.stderr.splitlines()
    assert first.endswith(f" records applied, {revisions} contexts made.")
    assert rest == [f"{texts} texts had no vector on embeddings.text and were encoded anew."] * bool(texts)
    again = await asyncio.to_thread(command.run, "replay")
    assert again.stderr == "3 days computed again, 0 changed.\n"


async def test_days_that_were_not_asked_for_are_told_with_who_will_compute_them(
    place: Place, emptied: Place, stream_app: CommandLine, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
    ran = await asyncio.to_thread(into(emptied, stream_app).run, "replay --from 2008-09-12")
    assert ran.returncode == 0
    assert ran.stderr.splitlines()[-2:] == [
        "US: 1 days wait for records beyond the end, or were not asked for: 2008-09-11",
        "A worker computes and publishes them.",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--from 2008-09-15 --to 2008-09-12", "--from 2008-09-15 lies after --to 2008-09-12."),
        ("--from today", "'today' is not of the form YYYY-MM-DD."),
        ("--region ATLANTIS", "There is no region ATLANTIS; there are "),
        ("--publish some", "'some' is not one of 'none', 'changed', 'all'."),
        ("--recompute --publish none", "--recompute makes new triggers, whose contexts are published; drop --publish."),
        ("--diff --publish all", "--diff writes and publishes nothing; drop --publish."),
        ("--diff", "This database holds no whole history: run `stream-app replay` first, which fills it."),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(stream_app: CommandLine, words: str, told: str) -> None:
    ran = stream_app.run_here(f"replay {words}")
    assert ran.exit_code == 2
    assert told in ran.stderr
