"""`evaluate` over a database whose vectors foretell what came, or nothing."""

import asyncio
import csv
import io
import json
from typing import Any

import msgspec
import numpy as np
import pytest

from stream_app.models.tables import PACKAGED_MODELS
from stream_app.store import joint_embeddings, vectors
from stream_app.store.database import connect
from stream_app.store.joint_embeddings import MadeOf
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.planted import INSTRUMENT, store_days

SESSIONS = 900
DATES = np.datetime64("2010-01-04", "D") + np.arange(SESSIONS)
SCALED, JOINT, PACKAGED = "num-regime-scaled-v1", "joint-of-test", "joint-regime-scaled-v1"
MODELS = f"--model-id {SCALED} --model-id {JOINT} --region US"


async def _store(database_url: str) -> None:
    """Prices and the numeric model's regimes, and contexts half of which is noise."""
    connection = await connect(database_url)
    try:
        numeric = await store_days(connection, DATES)
        noise = np.random.default_rng(1).standard_normal(numeric.shape)
        text = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
        joint = vectors.to_rows(np.float32(0.5) * (numeric + text))
        keys = [("US", day) for day in DATES[62:].tolist()]
        made_of = MadeOf(JOINT, SCALED, "text-of-test")
        await joint_embeddings.append(connection, joint_embeddings.records(made_of, keys, joint))
    finally:
        await connection.close()


REFUSED = {
    "--model-id nobody --region US": "Model nobody has neither a context nor a regime of region US.",
    "--model-id= --region US": "is no model's id",
    f"--model-id {SCALED} --region US --instrument NONE": "No prices of NONE are stored.",
    f"--model-id {SCALED} --region XX": "There is no region XX in the regions file",
    f"--model-id {SCALED} --region US --from 2011-02-01 --to 2011-01-01": "is after --to",
    f"--model-id {SCALED} --region US --from 2012-05-20": "days can be tested, fewer than 30",
    f"--model-id {SCALED} --region US --history-from 2012-05-20": "days can be tested, fewer than 30",
    f"{MODELS} --after-fit": f"After which days to test is not known of {JOINT}: it stands in no models file",
    f"--model-id {SCALED} --region US --k 0": "--k",
}


@pytest.fixture
def stored(database_url: str) -> None:
    asyncio.run(_store(database_url))


def forecast(rows: list[dict[str, Any]], name: str, k: object) -> dict[str, Any]:
    return next(row for row in rows if (row["forecast"], row["k"]) == (name, k))


@pytest.mark.usefixtures("stored")
def test_numeric_and_joint_models_are_judged_side_by_side(stream_app: CommandLine) -> None:
    shown = stream_app.run_here(f"evaluate {MODELS} --k 10 --k 20 --format json --output judged.json")
    assert shown.exit_code == 0, shown.stderr
    assert (stream_app.folder / "judged.json").read_text() == shown.stdout
    told = json.loads(shown.stdout)
    assert (told["instrument"], told["region"], told["every"]) == (INSTRUMENT, "US", 3)
    assert f"Tested {told['days']} days of {INSTRUMENT} from {told['first']} to {told['last']}." in shown.stderr
    scaled, joint = (forecast(told["forecasts"], name, 20) for name in (SCALED, JOINT))
    assert scaled["spearman"] > 0.5 > abs(forecast(told["forecasts"], "random days", 20)["spearman"])
    assert scaled["spearman_low"] < scaled["spearman"] < scaled["spearman_high"]
    assert scaled["text_share"] is None
    assert 0.7 < joint["text_share"] < 0.9, "of like lengths, texts move more from day to day than windows do"
    assert scaled["stability"] > 0.99 > joint["stability"]
    assert scaled[f"overlap {JOINT}"] == joint[f"overlap {SCALED}"] < 1.0
    assert (scaled["fitted_last"], scaled["in_sample_days"], joint["in_sample_days"]) == ("1994-12-31", 0, None)
    assert f"On which days {JOINT} was fitted is not known: it stands in no models file." in shown.stderr


@pytest.mark.usefixtures("stored")
def test_csv_and_table_tell_the_same_and_a_file_is_not_replaced_unasked(stream_app: CommandLine) -> None:
    wanted = f"evaluate {MODELS} --k 10 --from 2010-09-01 --to 2011-06-30 --every 2"
    rows = list(csv.DictReader(io.StringIO(stream_app.run_here(f"{wanted} --format csv").stdout)))
    assert [(row["forecast"], row["k"]) for row in rows] == [
        ("trailing volatility", ""),
        ("random days", "10"),
        (SCALED, "10"),
        (JOINT, "10"),
    ]
    table = stream_app.run_here(f"{wanted} --output table.txt")
    assert f"{float(rows[2]['spearman']):.2f} [" in table.stdout
    assert table.stdout == (stream_app.folder / "table.txt").read_text()
    assert table.stdout.endswith(f"\n\nOn which days {JOINT} was fitted is not known: it stands in no models file.\n")
    again = stream_app.run_here(f"{wanted} --output table.txt")
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "table.txt is there already; --force replaces it" in again.stderr
    assert stream_app.run_here(f"{wanted} --output table.txt --force").exit_code == 0


@pytest.mark.usefixtures("stored")
def test_only_days_after_the_fit_are_tested_when_that_is_asked(stream_app: CommandLine) -> None:
    weights = stream_app.folder / "w.json"
    packaged = msgspec.json.decode((PACKAGED_MODELS.parent / "models" / f"{PACKAGED}.json").read_bytes())
    weights.write_bytes(msgspec.json.encode(packaged | {"fitted": packaged["fitted"] | {"last": str(DATES[500])}}))
    (stream_app.folder / "models.toml").write_text(
        f'[models."{JOINT}"]\nkind = "joint"\nalgorithm = "scaled"\nweights = "w.json"\n'
        f'inputs = ["{SCALED}", "text-fin-general-v1"]\n'
    )
    stream_app.environment["STREAM_APP_MODELS_FILE"] = "models.toml"
    asked = f"evaluate {MODELS} --every 1 --format json"
    every, later = (json.loads(stream_app.run_here(f"{asked}{more}").stdout) for more in ("", " --after-fit"))
    assert later["first"] == str(DATES[500 + 21 + 1])
    of_every, of_later = (forecast(each["forecasts"], JOINT, 10)["in_sample_days"] for each in (every, later))
    assert (of_every, of_later) == (every["days"] - later["days"], 0)
    assert of_every > 0
    short = stream_app.run_here(f"{asked} --history-from {DATES[500]} --after-fit")
    assert json.loads(short.stdout)["first"] == str(DATES[500 + 30 + 49])


@pytest.mark.usefixtures("stored")
def test_what_cannot_be_answered_is_told_in_one_sentence(stream_app: CommandLine) -> None:
    for words, told in REFUSED.items():
        shown = stream_app.run_here(f"evaluate {words}")
        assert (shown.exit_code, shown.stdout) == (2, ""), words
        assert told in shown.stderr
