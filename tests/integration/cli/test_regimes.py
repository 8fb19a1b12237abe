"""`regimes fit`, `list` and `show` over a database with numeric vectors."""

import asyncio
import datetime as dt
import json
import tomllib
from dataclasses import replace

import asyncpg
import numpy as np
import pytest

from schemas import DIM
from stream_app.labelling import file
from stream_app.models import load_registry
from stream_app.regime import numeric
from stream_app.training import bounds
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables

FIRST = dt.date(2000, 1, 3)
COUNT = 300
HALF = COUNT // 2
PUT_REGIME = """
    INSERT INTO regimes (regime_record_id, as_of_date, region, model_id, instruments, regime_label, confidence,
        regime_embedding, origin) VALUES ($1, $2, 'US', $3, '{SPX.US}', 'NEUTRAL', 1.0, $4::text::vector, $5)
"""
PUT_PRICE = """
    INSERT INTO prices_daily (instrument_id, trade_date, close, volume) VALUES ('SPX.US', $1, $2, 1e6)
"""
PUT_TRANSITION = """
    INSERT INTO regime_transitions (region, model_id, as_of_date, from_label, to_label, confidence, revision)
    VALUES ('US', 'regimes-us-v1', $1, 'CALM', 'STRESSED', 0.75, 1)
"""
CRISIS, CALM = "--label CRISIS --from {} --to {}", "--label CALM --from {} --to {}"


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def vector(number: int) -> str:
    """Of the second half's days along another axis."""
    numbers = np.zeros(DIM)
    numbers[0 if number < HALF else 1], numbers[2] = 1.0, 0.01 * (number % 7)
    return json.dumps(numbers.tolist())


async def fill(database_url: str) -> None:
    """Calm days, then stressed ones; one day was filled in by a seed command as well."""
    moves = [0.001 if number < HALF else 0.03 for number in range(COUNT)]
    prices = 100 * np.exp(np.cumsum([move * (-1) ** number for number, move in enumerate(moves)]))
    connection = await asyncpg.connect(database_url)
    rows = [(f"r{number}", day(number), numeric.MODEL_ID, vector(number), "live") for number in range(COUNT)]
    await connection.executemany(PUT_REGIME, [*rows, ("seed", FIRST, numeric.MODEL_ID, vector(HALF), "backfill")])
    await connection.executemany(PUT_PRICE, [(day(number), price) for number, price in enumerate(prices.tolist())])
    await connection.execute(PUT_TRANSITION, day(HALF))
    await connection.close()


@pytest.fixture
def filled(stream_app: CommandLine, database_url: str) -> CommandLine:
    """The command line over the filled database."""
    asyncio.run(fill(database_url))
    return stream_app


def windows(*given: str) -> str:
    """Options for two windows, in the calm and in the stressed half."""
    spans = [(day(HALF), day(COUNT - 1)), (day(0), day(HALF - 1))]
    return " ".join(text.format(*span) for text, span in zip(given, spans, strict=True))


FIT = f"regimes fit --region US --model-id regimes-us-v1 --numeric-model-id {numeric.MODEL_ID}"


def test_what_was_fitted_is_written_with_a_card_and_its_table_can_be_used_as_it_is(filled: CommandLine) -> None:
    made = filled.run_here(f"{FIT} --unsupervised k-means --components 2")
    assert made.exit_code == 0, made.stderr
    path, card = filled.folder / "regimes-us-v1.json", filled.folder / "regimes-us-v1.md"
    read, first_bytes = file.read(path)
    assert (read.labels, read.numeric_model_id) == (("CALM", "STRESSED"), numeric.MODEL_ID)
    assert f"Fitted on {COUNT} days from {FIRST} to {day(COUNT - 1)}" in card.read_text()
    assert "| CALM | 51.3 % |" in card.read_text(), "the change is seen on the fifth stressed day"

    again = filled.run_here(f"{FIT} --unsupervised k-means --components 2")
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    models = filled.folder / "settings" / "models.toml"
    using = replace(filled, environment=filled.environment | {"STREAM_APP_MODELS_FILE": str(models)})
    appended = using.run_here(f"{FIT} --unsupervised k-means --components 2 --force --append")
    assert (appended.exit_code, path.read_bytes()) == (0, first_bytes), appended.stderr
    assert models.read_text() == appended.stdout
    assert f"{models} has its table now." in " ".join(appended.stderr.split())
    listed = using.run_here("regimes list")
    for printed in (listed, using.run_here("regimes list")):
        assert printed.stdout.splitlines() == [
            "model_id,numeric_model_id,regions,labels,in_use",
            f"regimes-us-v1,{numeric.MODEL_ID},US,CALM STRESSED,yes",
        ]
        models.write_text(made.stdout)


def test_a_table_that_would_keep_workers_from_starting_is_not_added(filled: CommandLine) -> None:
    filled.environment["STREAM_APP_MODELS_FILE"] = "models.toml"
    words = "--unsupervised k-means --components 2 --append"
    assert filled.run_here(f"{FIT} {words}").exit_code == 0
    before = (filled.folder / "models.toml").read_text()
    refused = {
        f"{FIT} {words} --force": "has regimes-us-v1 already; leave --append out or name another id.",
        f"{FIT.replace('regimes-us-v1', numeric.MODEL_ID)} {words}": "num-regime-core-v1 is a numeric model of ",
        f"{FIT.replace('us-v1', 'us-v2')} {words}": "regimes-us-v1 labels the days of US in num-regime-core-v1 already",
        f"{FIT} --unsupervised mixture --output models.toml --force": "models.toml is the models file; name another",
    }
    for more, said in refused.items():
        made = filled.run_here(more)
        assert (made.exit_code, made.stdout) == (2, ""), more
        assert said in " ".join(made.stderr.split())
    assert (filled.folder / "models.toml").read_text() == before
    assert list(filled.folder.glob("regimes-us-v2*")) == []


def test_two_that_label_the_same_days_are_listed_and_named(filled: CommandLine) -> None:
    made = [
        filled.run_here(f"{FIT.replace('us-v1', f'us-v{number}')} --unsupervised k-means --components 2").stdout
        for number in (1, 2)
    ]
    (filled.folder / "models.toml").write_text("".join(made))
    filled.environment["STREAM_APP_MODELS_FILE"] = "models.toml"
    for words, last in (("regimes list", ",?"), ("models list", "?       no")):
        listed = filled.run_here(words)
        assert listed.exit_code == 0
        assert "No worker would start: regimes-us-v1 and regimes-us-v2 would label the same" in listed.stderr
        assert [
            line.startswith("regimes-us-v") and line.endswith(last) for line in listed.stdout.splitlines()[-2:]
        ] == [
            True,
            True,
        ]


def test_what_the_database_knows_is_not_replaced(filled: CommandLine, tables: Tables) -> None:
    made = filled.run_here(f"{FIT} --unsupervised k-means --components 2")
    assert made.exit_code == 0, made.stderr
    before = (filled.folder / "regimes-us-v1.json").read_bytes()
    known = tomllib.loads(made.stdout)["models"]["regimes-us-v1"]
    (filled.folder / "models.toml").write_text(made.stdout)
    fingerprint = load_registry(filled.folder / "models.toml").regimes("regimes-us-v1").fingerprint
    tables.fetch("INSERT INTO models VALUES ('regimes-us-v1', 'regimes', 384, $1)", fingerprint)
    again = filled.run_here(f"{FIT} --unsupervised k-means --components 2 --force")
    assert (again.exit_code, tomllib.loads(again.stdout)["models"]["regimes-us-v1"]) == (0, known), again.stderr
    other = filled.run_here(f"{FIT} --unsupervised k-means --components 3 --force")
    assert (other.exit_code, other.stdout) == (2, "")
    assert "The database knows regimes-us-v1 with other weights" in other.stderr
    assert (filled.folder / "regimes-us-v1.json").read_bytes() == before


def test_named_windows_are_prototypes_in_whatever_order_and_only_days_up_to_a_date_count(filled: CommandLine) -> None:
    files = []
    for number, given in enumerate((windows(CRISIS, CALM), " ".join(reversed(_parts(windows(CRISIS, CALM)))))):
        made = filled.run_here(f"{FIT} {given} --output {number}.json")
        assert made.exit_code == 0, made.stderr
        files.append((filled.folder / f"{number}.json").read_bytes())
    assert files[0] == files[1]
    assert file.read(filled.folder / "0.json")[0].labels == ("CALM", "CRISIS")
    late = filled.run_here(f"{FIT} {windows(CRISIS, CALM)} --until {day(HALF - 1)} --output late.json")
    assert late.exit_code == 2
    assert f"There is no day to fit on for CRISIS from {day(HALF)}" in " ".join(late.stderr.split())


def _parts(given: str) -> list[str]:
    first, second = given.split(" --label ", 1)
    return [first, f"--label {second}"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--label CRISIS --from 2000-01-03", "Each --label needs a --from and a --to of its own"),
        ("--label CRISIS --from 2000-02-01 --to 2000-01-03", "ends before it starts"),
        ("--label CRISIS --from 2000-01-03 --to 2000-02-01", "At least two labels are needed"),
        ("--label crisis --from 2000-01-03 --to 2000-02-01", "'crisis' is no label"),
        ("--unsupervised mixture --output there/x.json", "there is no folder; name another"),
        ("--unsupervised mixture --output x.md", "x.md would be the card's name too"),
        ("--unsupervised mixture --append", "--append needs a models file"),
        ("", "Give either labels"),
        ("--unsupervised mixture --label A --from 2000-01-03 --to 2000-02-01", "Give either labels"),
        ("--unsupervised mixture --since 2001-01-01 --until 2000-12-31", "--since 2001-01-01 is after --until"),
        ("--unsupervised mixture --output /proc/x.json", "/proc/x.json cannot be written: "),
        ("--unsupervised mixture --until 1999-01-01", "no vectors of num-regime-core-v1 for US to 1999-01-01: close"),
        ("--unsupervised mixture --until 2000-02-01", "are too few for 3 components"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_sentence_and_writes_nothing(
    filled: CommandLine, words: str, said: str
) -> None:
    (filled.folder / "there").touch()
    made = filled.run_here(f"{FIT} {words}")
    assert (made.exit_code, made.stdout) == (2, "")
    assert said in " ".join(made.stderr.split())
    assert list(filled.folder.glob("regimes-*")) == []


def test_more_days_than_a_fit_reads_are_refused(filled: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_DAYS", COUNT - 1)
    made = filled.run_here(f"{FIT} --unsupervised mixture --since {FIRST}")
    assert (made.exit_code, made.stdout) == (2, "")
    assert f"There are over {COUNT - 1} days to fit on from {FIRST}; choose fewer." in made.stderr
    assert filled.run_here(f"{FIT} --unsupervised mixture --since {day(1)}").exit_code == 0


def test_days_and_transitions_are_shown_as_csv(filled: CommandLine, tables: Tables) -> None:
    shown = filled.run_here(f"regimes show --region US --start {FIRST} --end {day(1)}")
    assert shown.stdout.splitlines() == [
        "as_of_date,region,model_id,regimes_model_id,regime_label,confidence",
        f"{FIRST},US,{numeric.MODEL_ID},,NEUTRAL,1.000000",
        f"{day(1)},US,{numeric.MODEL_ID},,NEUTRAL,1.000000",
    ]
    tables.fetch("UPDATE regimes SET regimes_model_id = 'regimes-us-v1' WHERE as_of_date = $1", FIRST)
    labelled = filled.run_here(f"regimes show --region US --end {FIRST}").stdout.splitlines()[1:]
    assert labelled == [f"{FIRST},US,{numeric.MODEL_ID},regimes-us-v1,NEUTRAL,1.000000"]
    assert filled.run_here("regimes show --transitions").stdout.splitlines() == [
        "as_of_date,region,model_id,from_label,to_label,confidence",
        f"{day(HALF)},US,regimes-us-v1,CALM,STRESSED,0.750000",
    ]
    assert len(filled.run_here("regimes show --transitions --model-id another").stdout.splitlines()) == 1
    none = filled.run_here("regimes show --region EU")
    assert (none.exit_code, len(none.stdout.splitlines())) == (0, 1)
    assert "No labelled days" in none.stderr


def test_only_the_models_whose_days_are_labelled_are_shown_unless_others_are_named(
    filled: CommandLine, tables: Tables
) -> None:
    tables.fetch(PUT_REGIME, "other", FIRST, "num-regime-scaled-v1", vector(0), "live")

    def models_of(words: str) -> list[str]:
        shown = filled.run_here(f"regimes show --start {FIRST} --end {FIRST} {words}")
        assert shown.exit_code == 0, shown.stderr
        return [line.split(",")[2] for line in shown.stdout.splitlines()[1:]]

    assert models_of("") == [numeric.MODEL_ID, "num-regime-scaled-v1"]
    filled.environment["STREAM_APP_MODELS_FILE"] = "models.toml"
    assert filled.run_here(f"{FIT} --unsupervised k-means --append").exit_code == 0
    assert models_of("") == [numeric.MODEL_ID]
    assert models_of("--model-id num-regime-scaled-v1 --model-id nobody") == ["num-regime-scaled-v1"]


def test_without_fitted_regimes_the_list_says_what_days_are_then(stream_app: CommandLine) -> None:
    listed = stream_app.run_here("regimes list")
    assert listed.exit_code == 0
    assert "every day is NEUTRAL" in listed.stderr
