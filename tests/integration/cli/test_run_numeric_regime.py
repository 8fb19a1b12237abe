"""`run-numeric-regime`: what it stores and says, and what it says is missing."""

import datetime as dt
import os
import subprocess
import sys

import numpy as np
import pytest

from stream_app.backfill import windows
from stream_app.scripts.run_numeric_regime import command
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables
from tests.integration.pipeline import weekdays

DAY = dt.date(2025, 1, 31)
AAPL = "run-numeric-regime --region US --instrument-id AAPL.US"
SCRIPT = "stream_app.scripts.run_numeric_regime"
SENTENCE = "Regime as of 2025-01-31 for region US: label=NEUTRAL, confidence=1.000"
SESSIONS_OF_JANUARY = 20
DAYS = weekdays(DAY, 3)
WINDOWS = "SELECT vector FROM numeric_window_embeddings WHERE entity_id = $1 ORDER BY as_of_date"
REGIMES = "SELECT regime_embedding FROM regimes WHERE instruments = $1 ORDER BY as_of_date"
AS_LIVE = "UPDATE numeric_window_embeddings SET origin = 'live', vector = $1::text::vector"
ZEROS = str([0] * 384)


@pytest.fixture
def priced(tables: Tables) -> Tables:
    """With half a year of closes of one instrument."""
    tables.put_prices("AAPL.US", weekdays(DAY, 130))
    return tables


def test_a_window_and_its_regime_are_stored_and_told(stream_app: CommandLine, priced: Tables) -> None:
    options = f"--region US --instrument-id AAPL.US --as-of {DAY} --window-days 63 --model-id num-regime-core-v1"
    ran = stream_app.run_here(options, command)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, f"windows: 1 new\nregimes: 1 new\n{SENTENCE}\n", "")
    assert priced.fetch(
        "SELECT entity_type, entity_id, as_of_date, window_spec, rows FROM numeric_window_embeddings"
    ) == [("INSTRUMENT", "AAPL.US", DAY, {"window_days": 63, "features": ["close", "volume", "log_return"]}, 63)]
    assert priced.fetch("SELECT region, as_of_date, instruments, regime_label, confidence, origin FROM regimes") == [
        ("US", DAY, ["AAPL.US"], "NEUTRAL", 1.0, "backfill")
    ]
    window, regime = priced.vectors(WINDOWS, "AAPL.US"), priced.vectors(REGIMES, ["AAPL.US"])
    closes = 100 + 0.25 * np.arange(67, 130)
    assert window[0, 0:189:3].tolist() == closes.tolist()
    assert window[0, 189:].tolist() == [0.0] * 195
    assert regime.tobytes() == window.tobytes()


@pytest.mark.parametrize("days", [f"--as-of {DAY}", f"--date-range 2025-01-01 {DAY}"])
def test_a_second_run_changes_nothing_and_says_so(stream_app: CommandLine, priced: Tables, days: str) -> None:
    count = SESSIONS_OF_JANUARY if "range" in days else 1
    assert stream_app.run_here(f"{AAPL} {days}").exit_code == 0
    before = priced.state()
    again = stream_app.run_here(f"{AAPL} {days}")
    told = f"windows: {count} unchanged\nregimes: {count} unchanged\nNothing changed.\n{SENTENCE}\n"
    assert (again.exit_code, again.stdout, again.stderr) == (0, told, "")
    assert priced.state() == before


def test_a_dry_run_says_what_it_would_do_and_does_nothing(stream_app: CommandLine, priced: Tables) -> None:
    ran = stream_app.run_here(f"{AAPL} --as-of {DAY} --dry-run")
    told = f"Dry run: nothing was written. It would be:\nwindows: 1 new\nregimes: 1 new\n{SENTENCE}\n"
    assert (ran.exit_code, ran.stdout) == (0, told)
    assert priced.is_empty()


def test_too_few_rows_are_named_to_the_letter_with_what_to_do(stream_app: CommandLine, tables: Tables) -> None:
    tables.put_prices("AAPL.US", weekdays(DAY, 53))
    ran = stream_app.run_here(f"{AAPL} --as-of {DAY}")
    assert ran.stderr.splitlines() == [
        "Insufficient price rows (53) for AAPL.US between 2024-07-26 and 2025-01-31. Need at least 54 rows.",
        "Send older closes of AAPL.US with `stream-app ingest prices FILE`, or choose later days.",
    ]
    assert (ran.exit_code, ran.stdout) == (1, "windows: none\nregimes: none\nNothing changed.\n")


def test_there_is_no_day_too_early_to_be_asked_for(stream_app: CommandLine, tables: Tables) -> None:
    ran = stream_app.run_here(f"{AAPL} --as-of 0001-01-02")
    assert ran.exit_code == 1
    assert ran.stderr.startswith("Insufficient price rows (0) for AAPL.US between ")


def test_days_that_lack_rows_are_listed_and_the_others_are_computed(stream_app: CommandLine, tables: Tables) -> None:
    tables.put_prices("AAPL.US", weekdays(DAY, 56))
    ran = stream_app.run_here(f"{AAPL} --date-range 2025-01-27 {DAY}")
    assert [line.split(" for ")[0] for line in ran.stderr.splitlines()[:-1]] == [
        "Insufficient price rows (52)",
        "Insufficient price rows (53)",
    ]
    assert ran.stdout == f"windows: 3 new\nregimes: 3 new\n{SENTENCE}\n"
    assert ran.exit_code == 1


def test_fewer_than_a_window_are_padded_with_the_last_one(stream_app: CommandLine, tables: Tables) -> None:
    tables.put_prices("AAPL.US", weekdays(DAY, 54))
    assert stream_app.run_here(f"{AAPL} --as-of {DAY}").exit_code == 0
    vector = tables.vectors(WINDOWS, "AAPL.US")[0]
    assert set(vector[54 * 3 : 63 * 3 : 3].tolist()) == {113.25}


def test_a_weekend_has_fridays_vector(stream_app: CommandLine, priced: Tables) -> None:
    for day in (DAY, DAY + dt.timedelta(days=2)):
        assert stream_app.run_here(f"{AAPL} --as-of {day}").exit_code == 0
    friday, sunday = priced.vectors(WINDOWS, "AAPL.US")
    assert friday.tobytes() == sunday.tobytes()
    assert priced.fetch("SELECT metadata FROM regimes ORDER BY as_of_date") == [({"stale": False},), ({"stale": True},)]


@pytest.mark.parametrize(("day", "told"), [("2025-02-07", False), ("2025-02-10", True)])
def test_prices_more_than_five_sessions_old_are_told_of(
    stream_app: CommandLine, priced: Tables, day: str, told: bool
) -> None:
    ran = stream_app.run_here(f"{AAPL} --as-of {day}")
    assert ran.exit_code == 0
    line = f"The newest price of AAPL.US as of {day} is of 2025-01-31, more than 5 sessions before."
    assert (line in ran.stdout) == told


def test_a_corrected_price_changes_the_window_and_a_live_one_stays(stream_app: CommandLine, priced: Tables) -> None:
    stream_app.run_here(f"{AAPL} --as-of {DAY}")
    priced.put_prices("AAPL.US", [DAY], base=90.0)
    assert (
        stream_app.run_here(f"{AAPL} --as-of {DAY}").stdout == f"windows: 1 changed\nregimes: 1 changed\n{SENTENCE}\n"
    )
    assert priced.vectors(WINDOWS, "AAPL.US")[0, 62 * 3] == 90.0
    assert priced.vectors(REGIMES, ["AAPL.US"])[0, 62 * 3] == 90.0

    priced.fetch(AS_LIVE, ZEROS)
    ran = stream_app.run_here(f"{AAPL} --as-of {DAY}")
    assert ran.stdout.splitlines()[0] == "windows: 1 live and left as they are"
    assert not priced.vectors(WINDOWS, "AAPL.US").any()


def test_what_was_filled_in_and_has_too_few_rows_by_now_is_removed_and_a_live_window_stays(
    stream_app: CommandLine, priced: Tables
) -> None:
    sunday, monday = (DAY + dt.timedelta(days=days) for days in (2, 3))
    priced.put_prices("AAPL.US", [monday])
    as_of_sunday, span = f"{AAPL} --as-of {sunday}", f"{AAPL} --date-range {DAYS[0]} {monday}"
    for words in (span, as_of_sunday):
        assert stream_app.run_here(words).exit_code == 0
    priced.fetch(AS_LIVE + " WHERE as_of_date = $2", ZEROS, DAY)
    priced.fetch("DELETE FROM prices_daily WHERE trade_date < $1", weekdays(DAY, 53)[0])
    before = priced.state()
    dry = stream_app.run_here(f"{span} --dry-run")
    told = "windows: 1 changed, 2 removed\nregimes: 1 changed, 3 removed\n"
    assert (dry.exit_code, dry.stdout.split("Regime")[0]) == (1, f"Dry run: nothing was written. It would be:\n{told}")
    assert priced.state() == before

    ran = stream_app.run_here(span)
    assert (ran.exit_code, ran.stdout.split("Regime")[0]) == (1, told)
    left = "SELECT as_of_date, origin FROM {} ORDER BY as_of_date"
    others = [(day, "backfill") for day in (sunday, monday)]
    assert priced.fetch(left.format("numeric_window_embeddings")) == [(DAY, "live"), *others]
    assert priced.fetch(left.format("regimes")) == others
    again = stream_app.run_here(span)
    assert (again.exit_code, "Nothing changed." in again.stdout) == (1, True)

    priced.fetch("TRUNCATE prices_daily")
    ran = stream_app.run_here(as_of_sunday)
    assert (ran.exit_code, ran.stdout) == (1, "windows: 1 removed\nregimes: 1 removed\n")


def test_several_instruments_are_averaged_and_stand_beside_a_single_ones_regime(
    stream_app: CommandLine, priced: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "GROUP_WINDOWS", 1)
    priced.put_prices("MSFT.US", weekdays(DAY, 130), base=400.0)
    stream_app.run_here(f"{AAPL} --as-of {DAY}")
    ran = stream_app.run_here(f"{AAPL} --instrument-id MSFT.US --instrument-id AAPL.US --date-range 2025-01-30 {DAY}")
    assert ran.stdout == f"windows: 3 new, 1 unchanged\nregimes: 2 new\n{SENTENCE}\n"
    aapl, msft = (priced.vectors(WINDOWS, name).astype(np.float64) for name in ("AAPL.US", "MSFT.US"))
    found = priced.vectors(REGIMES, ["AAPL.US", "MSFT.US"])
    assert found.tobytes() == ((aapl + msft) / 2).astype(np.float32).tobytes()
    assert priced.vectors(REGIMES, ["AAPL.US"]).tobytes() == aapl[-1].astype(np.float32).tobytes()


def test_the_order_of_instruments_is_no_difference_and_the_regions_own_goes_first(
    stream_app: CommandLine, priced: Tables
) -> None:
    for number, name in enumerate(("MSFT.US", "SPX.US")):
        priced.put_prices(name, weekdays(DAY, 130), base=200.1 + number)
    names = ["AAPL.US", "MSFT.US", "SPX.US"]
    words = "run-numeric-regime --region US" + "".join(f" --instrument-id {name}" for name in names)
    assert "regimes: 1 new" in stream_app.run_here(f"{words} --as-of {DAY}").stdout
    assert priced.fetch("SELECT instruments FROM regimes") == [(["SPX.US", "AAPL.US", "MSFT.US"],)]
    turned = "run-numeric-regime --region US" + "".join(f" --instrument-id {name}" for name in reversed(names))
    ran = stream_app.run_here(f"{turned} --as-of {DAY}")
    assert ran.stdout == f"windows: 3 unchanged\nregimes: 1 unchanged\nNothing changed.\n{SENTENCE}\n"
    for several in (names, [names[1], names[0], names[2]]):
        options = "".join(f" --instrument-id {name}" for name in several)
        joined = stream_app.run_here(f"backfill-joint-regime-context --region US --as-of {DAY}{options}")
        assert joined.stderr.startswith(f"No text embeddings found for date={DAY}; skipping")
    one_less = stream_app.run_here(
        f"backfill-joint-regime-context --region US --as-of {DAY} --instrument-id AAPL.US --instrument-id SPX.US"
    )
    assert one_less.stderr.startswith("No regime embeddings found for region=US ")


def test_another_window_needs_a_model_id_of_its_own(stream_app: CommandLine, priced: Tables) -> None:
    refused = stream_app.run_here(f"{AAPL} --as-of {DAY} --window-days 21")
    assert refused.exit_code == 2
    assert "name a model of 21 rows with --model-id" in refused.stderr
    assert priced.is_empty()
    assert stream_app.run_here(f"{AAPL} --as-of {DAY}").exit_code == 0
    assert stream_app.run_here(f"{AAPL} --as-of {DAY} --window-days 21 --model-id num-21").exit_code == 0
    before = priced.state()
    for more in ("", " --dry-run"):
        refused = stream_app.run_here(f"{AAPL} --as-of {DAY} --window-days 22 --model-id num-21{more}")
        assert refused.exit_code == 1
        assert "give the changed model an id of its own" in refused.stderr
    assert priced.state() == before
    assert priced.fetch("SELECT model_id, window_days FROM numeric_window_embeddings ORDER BY window_days") == [
        ("num-21", 21),
        ("num-regime-core-v1", 63),
    ]


@pytest.mark.parametrize("name", ["a|b", "x" * 201, ""])  # one too long is told by its beginning
@pytest.mark.parametrize(
    "words",
    [
        f"{AAPL} --as-of {DAY} --model-id=",
        f"backfill-text-embeddings --as-of {DAY} --model-id=",
        f"backfill-joint-regime-context --region US --as-of {DAY} --text-model-id=",
        f"backfill-joint-regime-context --region US --as-of {DAY} --numeric-model-id=",
        f"backfill-joint-regime-context --region US --as-of {DAY} --joint-model-id=",
        "show --region US --model-id=",
        "export --format csv --model-id=",
    ],
)
def test_a_models_id_that_no_setting_could_be_is_refused(bare: CommandLine, words: str, name: str) -> None:
    ran = bare.run_here(words + name)
    assert ran.exit_code == 2
    assert f"'{name[:40]}" in ran.stderr
    assert "is no model's id, which has 1 to 200 characters, no | and no space at its ends." in ran.stderr


def test_progress_is_shown_on_a_terminal_and_not_in_a_pipe(stream_app: CommandLine, priced: Tables) -> None:
    words = f"--region US --instrument-id AAPL.US --date-range 2025-01-01 {DAY}"
    piped = stream_app.run(words, SCRIPT)
    assert (piped.returncode, piped.stderr) == (0, "")
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", SCRIPT, *words.split()],
        env=stream_app.environment | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        os.close(theirs)
        shown = read_to_the_end(ours)
        assert process.stdout is not None
        assert process.stdout.read().endswith(f"Nothing changed.\n{SENTENCE}\n")
    assert process.returncode == 0
    assert "windows" in shown
    assert f"{SESSIONS_OF_JANUARY}/{SESSIONS_OF_JANUARY}" in shown


def read_to_the_end(terminal: int) -> str:
    """What was written to a terminal by processes that have closed it."""
    written = b""
    with open(terminal, "rb", buffering=0) as stream:
        try:
            while piece := stream.read(1024):
                written += piece
        except OSError:  # Linux's end of a terminal
            pass
    return written.decode()
