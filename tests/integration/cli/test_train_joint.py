"""`train joint` on what a live run has stored, and the trained model in the live path and in a replay."""

import asyncio
import datetime as dt
import json
import tomllib
from collections.abc import Iterator
from dataclasses import replace as with_changed
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load

from schemas import JointRegimeContext
from stream_app.embedded import Endpoints
from stream_app.regime import volatility_profile
from stream_app.regime.calendars import load_calendar
from stream_app.regime.projected import Projection
from stream_app.replay.run import Asked, replay
from stream_app.store.trigger_queue import EVERY_DAY
from stream_app.training import bounds
from tests.conftest import created_database
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables
from tests.integration.pipeline import Place, article, close
from tests.integration.replay.shown import Counted
from tests.integration.steps import stepping
from tests.integration.text_models import FINGERPRINT, QuickModel

ID = "joint-regime-proj-v1"
CORE = "joint-regime-core-v1"
SESSIONS = load_calendar("XNYS", dt.date(2015, 12, 31)).sessions_between(dt.date(2008, 1, 2), dt.date(2010, 12, 31))
TRAINED, LATER = SESSIONS[60:620], SESSIONS[620:623]
TRAIN = f"train joint --from {TRAINED[0]} --to {TRAINED[-1]} --joint-model-id {ID} --region US --epochs 3"
BEFORE_THE_CALENDAR = """
    INSERT INTO regimes (regime_record_id, as_of_date, region, model_id, instruments, regime_label, confidence,
        regime_embedding, origin)
    VALUES ('r', '1984-12-31', 'US', 'num-regime-scaled-v1', '{SPX.US}', 'NEUTRAL', 1,
        array_fill(1, ARRAY[384])::vector, 'backfill')
"""
PAYLOADS = """
    SELECT payload FROM joint_embedding_revisions WHERE model_id = $1 AND as_of_date = ANY($2) ORDER BY as_of_date
"""
REGIMES = """
    SELECT regime_embedding FROM regimes
    WHERE model_id = 'num-regime-scaled-v1' AND as_of_date = ANY($1) ORDER BY as_of_date
"""
TEXTS = """
    SELECT e.vector FROM text_embeddings e JOIN news_articles a ON a.article_id = e.source_id
    WHERE a.news_date = ANY($1) ORDER BY a.news_date
"""


async def lived(place: Place, model: QuickModel) -> None:
    """Prices and an article a session; all sessions close but the last ones."""
    rng = np.random.default_rng(0)
    closes = 1_000 * np.exp(np.cumsum(0.01 * rng.normal(size=len(SESSIONS[:623]))))
    prices = [close("SPX.US", day, price) for day, price in zip(SESSIONS, closes.tolist(), strict=False)]
    news = [
        article(f"{day}", dt.datetime.combine(day, dt.time(15), dt.UTC), f"News of {day}.") for day in SESSIONS[60:623]
    ]
    joint_models = [CORE, "joint-regime-scaled-v2"]
    async with place.pipeline(joint_models=joint_models) as path, stepping(path, model) as steps:
        await path.send(*prices, *news)
        await steps.apply(steps.prices, steps.news)
        await path.close("US", *TRAINED)
        await steps.compute()


async def closed(place: Place, model: QuickModel, days: list[dt.date], **settings: Any) -> None:
    """Some more days closed one by one."""
    async with place.pipeline(**settings) as path, stepping(path, model) as steps:
        for day in days:
            await path.close("US", day)
            await steps.compute()


async def replayed(place: Place, **settings: Any) -> None:
    async with place.pipeline(**settings) as path:
        await replay(path.services, Asked((), EVERY_DAY, None), Counted())


def contexts(tables: Tables, model_id: str, days: list[dt.date]) -> list[bytes]:
    return [row[0] for row in tables.fetch(PAYLOADS, model_id, days)]


def vectors_of(payloads: list[bytes]) -> NDArray[np.float32]:
    found = [msgspec.json.decode(payload, type=JointRegimeContext).vector for payload in payloads]
    return np.array([vector.numpy() for vector in found if vector is not None])


@pytest.fixture
def emptied_url(endpoints: Endpoints, template_database: str, unique_name: str) -> Iterator[str]:
    """A second database, migrated and empty, for the same topics."""
    with created_database(endpoints, f"{unique_name}-emptied", template_database) as url:
        yield url


@pytest.fixture
def history(stream_app: CommandLine, place: Place, model: QuickModel) -> Tables:
    """More than two years of live days."""
    asyncio.run(lived(place, model))
    return Tables(place.database_url)


def refused_as_too_much(stream_app: CommandLine) -> None:
    """With more days than a fit reads nothing is trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "MOST_DAYS", len(TRAINED) - 1)
        ran = stream_app.run_here(f"{TRAIN} --output spaces")
    assert (ran.exit_code, ran.stdout) == (2, "")
    said = f"There are over {len(TRAINED) - 1} days to fit on from {TRAINED[0]} to {TRAINED[-1]}; choose fewer."
    assert said in ran.stderr
    assert not (stream_app.folder / "spaces").exists()


def test_a_space_is_trained_to_the_byte_and_then_runs_live_and_replayed_with_the_same_bytes(
    stream_app: CommandLine, history: Tables, place: Place, emptied_url: str, model: QuickModel
) -> None:
    refused_as_too_much(stream_app)
    models_file = stream_app.folder / "models.toml"
    stream_app.environment["STREAM_APP_MODELS_FILE"] = str(models_file)
    ran = stream_app.run_here(f"{TRAIN} --append --output spaces")
    assert ran.exit_code == 0, ran.stderr
    assert tomllib.loads(ran.stdout) == tomllib.loads(models_file.read_text())
    again = stream_app.run_here(f"{TRAIN} --output again")
    assert again.exit_code == 0, again.stderr
    files = sorted(path.name for path in (stream_app.folder / "spaces").iterdir())
    assert files == [f"{ID}.json", f"{ID}.md", f"{ID}.safetensors"]
    for name in files:
        first, second = (stream_app.folder / folder / name for folder in ("spaces", "again"))
        assert first.read_bytes() == second.read_bytes(), name

    figures = json.loads((stream_app.folder / "spaces" / f"{ID}.json").read_bytes())
    assert figures["validation"] == {
        "pairs": 140,
        "days": 140,
        "first": str(TRAINED[420]),
        "last": str(TRAINED[-1]),
    }
    of_halves = volatility_profile.fingerprint(63), FINGERPRINT
    assert (figures["numeric_fingerprint"], figures["text_fingerprint"]) == of_halves
    embargo = dt.date.fromisoformat(figures["validation"]["first"]) - dt.date.fromisoformat(figures["train"]["last"])
    assert embargo.days > 189
    card = (stream_app.folder / "spaces" / f"{ID}.md").read_text()
    assert f"| measured on | 140 | 140 | {TRAINED[420]} | {TRAINED[-1]} |" in card
    assert all(
        f"| {each['k']} | {each['share']:.3f} | {each['chance']:.3f} | {each['p_value']:.2g} |" in card
        for each in figures["recalls"]
    )

    both = {"models_file": models_file, "joint_models": [CORE, ID]}
    asyncio.run(closed(place, model, LATER, **both))
    live = contexts(history, ID, LATER)
    projection = Projection.of_arrays(load((stream_app.folder / "spaces" / f"{ID}.safetensors").read_bytes()))
    halves = history.vectors(REGIMES, LATER), history.vectors(TEXTS, LATER)
    assert vectors_of(live).tobytes() == projection.join(*halves).tobytes()
    assert len(contexts(history, CORE, LATER)) == len(LATER)

    other = stream_app.run_here(f"{TRAIN} --seed 1 --output other")
    assert other.exit_code == 2
    assert f"The database knows {ID} with other weights" in other.stderr
    assert not (stream_app.folder / "other").exists()
    assert stream_app.run_here(f"{TRAIN} --output again --force").exit_code == 0

    asyncio.run(replayed(with_changed(place, database_url=emptied_url), **both))
    filled = Tables(emptied_url)
    assert contexts(filled, ID, LATER) == live
    assert len(contexts(filled, ID, TRAINED)) == len(TRAINED)


def test_what_cannot_be_trained_is_refused_in_a_sentence_and_leaves_no_file(
    stream_app: CommandLine, tables: Tables
) -> None:
    refused = {
        TRAIN: "There are 0 days with both halves to fit on and 0 to measure on, 189 days of embargo between them; "
        "250 and 60 are needed",
        f"{TRAIN} --numeric-model-id nobody": "There is no model nobody; numeric models are num-regime-core-v1",
        f"{TRAIN} --text-model-id nobody": "There is no model nobody; text models are text-fin-general-v1",
        f"{TRAIN} --region Atlantis": "There is no region Atlantis; there are ",
        f"{TRAIN} --append": "--append needs a models file",
        TRAIN.replace(ID, CORE): f"{CORE} is a joint model of ",
        TRAIN.replace(ID, "a/b"): "'a/b' is no name of a file here",
        f"train joint --from {TRAINED[-1]} --to {TRAINED[0]} --joint-model-id {ID}": "is after --to",
    }
    for words, sentence in refused.items():
        ran = stream_app.run_here(words)
        assert (ran.exit_code, ran.stdout) == (2, ""), words
        assert sentence in ran.stderr
    assert list(stream_app.folder.iterdir()) == []

    tables.fetch(BEFORE_THE_CALENDAR)
    ran = stream_app.run_here(TRAIN.replace(str(TRAINED[0]), "1984-01-01"))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "The news window of 1984-12-31 is not known: calendar XNYS has a previous close for the days" in ran.stderr
    assert "Choose --from and --to within these." in ran.stderr

    (stream_app.folder / f"{ID}.md").write_text("mine")
    ran = stream_app.run_here(f"{TRAIN} --output .")
    assert (ran.exit_code, (stream_app.folder / f"{ID}.md").read_text()) == (2, "mine")
    assert f"{ID}.md is there already; --force replaces it" in ran.stderr
