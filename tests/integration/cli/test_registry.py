"""`models`: what is listed, shown and checked, and what `fit` fits on stored vectors."""

import asyncio
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from stream_app.regime import numeric
from stream_app.store import models
from stream_app.store.database import connect
from stream_app.store.models import Model
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables
from tests.integration.text_models import FINGERPRINT, QuickModel
from tests.models_file import CORE, write_models

NUMERIC, TEXT, SCALED = "num-regime-core-v1", "text-fin-general-v1", "joint-regime-scaled-v2"
REGIMES = """
    INSERT INTO regimes (regime_record_id, as_of_date, region, model_id, instruments, regime_label, confidence,
        regime_embedding, origin)
    SELECT 'r' || n, '2025-01-01'::date + n, 'US', 'num', '{A}', 'NEUTRAL', 1, array_fill(n, ARRAY[384])::vector,
        'backfill' FROM generate_series(0, 3) n
"""
ARTICLES = """
    INSERT INTO news_articles (article_id, published_at, news_date, time_precision, language, headline, content_hash)
    SELECT id || n, '2025-01-01 12:00Z'::timestamptz + n * interval '1 day', '2025-01-01'::date + n, 'time', 'en',
        'x', 'h'
    FROM generate_series(0, 3) n, unnest('{a,b}'::text[]) id
"""
TEXTS = """
    INSERT INTO text_embeddings (source_id, model_id, content_hash, vector, origin)
    SELECT id || n, 'words', 'h', array_fill(10 - n + apart, ARRAY[384])::vector, 'backfill'
    FROM generate_series(0, 2) n, unnest('{a,b}'::text[], '{0.5,-0.5}'::real[]) AS articles (id, apart)
"""
"""Two articles a day, each 0.5 from their mean in every place."""


HALVES = """
[models.num]
kind = "numeric"
algorithm = "raw-path"

[models.words]
kind = "text"
algorithm = "mean-pooling"
"""


async def register(database_url: str, *new: Model) -> None:
    connection = await connect(database_url)
    for model in new:
        await models.register(connection, model)
    await connection.close()


@pytest.fixture
def own(stream_app: CommandLine, tmp_path: Path) -> CommandLine:
    """With a models file of its own, in which core's windows have 20 rows."""
    stream_app.environment["STREAM_APP_MODELS_FILE"] = str(write_models(tmp_path, window_days=20))
    return stream_app


def test_every_model_is_listed_with_whether_it_is_in_use_and_registered(own: CommandLine, database_url: str) -> None:
    known = Model(NUMERIC, "numeric", 384, numeric.fingerprint(20))
    asyncio.run(register(database_url, known, Model(SCALED, "joint", 384, "any"), Model("mine", "joint", 384, "any")))
    ran = own.run_here("models list")
    assert (ran.exit_code, ran.stderr) == (0, "")
    header, *rows = [line.split() for line in ran.stdout.splitlines()]
    assert header == ["model", "kind", "algorithm", "dim", "inputs", "in", "use", "registered"]
    assert [NUMERIC, "numeric", "raw-path", "384", "-", "yes", "yes"] in rows
    assert [CORE, "joint", "average", "384", NUMERIC, TEXT, "yes", "no"] in rows
    assert [row[-2:] for row in rows if row[0] == SCALED] == [["yes", "another"]]
    assert rows[-1] == ["mine", "joint", "-", "384", "-", "no", "yes"], "a seed command's own"


def test_without_a_database_the_models_are_listed_all_the_same(own: CommandLine) -> None:
    own.environment["STREAM_APP_DATABASE_URL"] = "postgresql://127.0.0.1:9/none"
    ran = own.run_here("models list")
    assert ran.exit_code == 0
    assert ran.stderr.startswith("Which are registered is not known: ")
    assert [line.split()[-1] for line in ran.stdout.splitlines() if line.startswith(NUMERIC)] == ["?"]


def test_a_model_is_shown_with_its_parameters_fingerprint_and_file(own: CommandLine, tmp_path: Path) -> None:
    shown = dict(line.split(" = ") for line in own.run_here(f"models show {NUMERIC}").stdout.splitlines())
    assert (shown["kind"], shown["window_days"]) == ("numeric", "20")
    assert (len(shown["fingerprint"]), shown["file"]) == (64, str(tmp_path / "models.toml"))
    unknown = own.run_here("models show none")
    assert unknown.exit_code == 2
    assert f"There is no model none; there are {NUMERIC}" in " ".join(unknown.stderr.split())


def test_check_loads_every_model_and_compares_it_with_the_database(
    own: CommandLine, database_url: str, model: QuickModel
) -> None:
    asyncio.run(register(database_url, Model(TEXT, "text", 384, FINGERPRINT)))
    good = own.run_here("models check")
    assert (good.exit_code, good.stderr) == (0, "")
    assert good.stdout.endswith("6 of 6 models are loaded, 1 of them registered.\n")
    assert [TEXT, "text", "yes", "yes"] in [line.split() for line in good.stdout.splitlines()]
    others = [
        Model(name, kind, 384, "another") for name, kind in ((NUMERIC, "numeric"), (CORE, "joint"), ("x", "joint"))
    ]
    asyncio.run(register(database_url, *others))
    differing = own.run_here("models check")
    assert differing.exit_code == 1
    assert [CORE, "joint", "yes", "another"] in [line.split() for line in differing.stdout.splitlines()]
    assert differing.stdout.endswith("1 of them registered. The database has 1 more, which no file has: x.\n")
    told = differing.stderr.splitlines()
    assert [line.partition(" is not the one this database's vectors were made with: ")[0] for line in told] == [
        f"The numeric model {NUMERIC}",
        f"The joint model {CORE}",
    ]
    assert all(
        line.endswith("give the changed model an id of its own in the file that models_file names.") for line in told
    )


def test_check_compares_the_text_model_that_weights_were_fitted_on(own: CommandLine, model: QuickModel) -> None:
    model.fingerprint = "another"
    ran = own.run_here("models check")
    assert ran.exit_code == 1
    told = [line.partition(" as it was then, not as it is now: fit weights ")[0] for line in ran.stderr.splitlines()]
    assert told == [
        f"The weights of joint-regime-scaled-v{version} were fitted on vectors of {TEXT}" for version in (2, 1)
    ]


def test_check_says_which_weights_cannot_be_read_and_goes_on_with_the_others(
    own: CommandLine, tmp_path: Path, model: QuickModel
) -> None:
    broken = (
        f'[models.{name}]\nkind = "joint"\nalgorithm = "scaled"\nweights = "{name}.json"\n'
        f'inputs = ["{NUMERIC}", "{TEXT}"]\n'
        for name in ("x", "y")
    )
    file = write_models(tmp_path, more_models="".join(broken))
    own.environment["STREAM_APP_JOINT_MODELS"] = f"{CORE},x"
    ran = own.run_here("models check")
    assert ran.exit_code == 1
    assert [line.partition(": No such file")[0] for line in ran.stderr.splitlines()] == [
        f"The models file {file}: {name}: its weights {tmp_path / name}.json cannot be read" for name in ("x", "y")
    ]
    assert ran.stdout.endswith("6 of 8 models are loaded, 0 of them registered.\n")
    assert [CORE, "joint", "yes", "no"] in [line.split() for line in ran.stdout.splitlines()]
    own.environment["STREAM_APP_JOINT_MODELS"] = CORE
    listed = own.run_here("models list")
    assert (listed.exit_code, listed.stderr) == (0, ran.stderr), "what is not in use may be broken"
    assert [line.split()[-1] for line in listed.stdout.splitlines() if line.startswith(("x", "y"))] == ["?", "?"]


def test_fit_fits_on_the_days_that_have_both_halves_and_its_model_can_be_used(
    stream_app: CommandLine, tables: Tables, database_url: str, tmp_path: Path
) -> None:
    for statement in (REGIMES, ARTICLES, TEXTS):
        tables.fetch(statement)
    asyncio.run(
        register(database_url, Model("num", "numeric", 384, numeric.fingerprint(63)), Model("words", "text", 384, "2"))
    )
    (tmp_path / "own.toml").write_text(HALVES)
    stream_app.environment["STREAM_APP_MODELS_FILE"] = "own.toml"
    words = "models fit --joint-model-id x --region US --from 2025-01-01 --to 2025-01-31 --output w.json"
    halves = " --numeric-model-id num --text-model-id words"
    ran = stream_app.run_here(words + halves)
    assert (ran.exit_code, ran.stderr) == (
        0,
        "Fitted on 3 days from 2025-01-01 to 2025-01-03 and written to w.json.\n",
    )
    fitted = json.loads((tmp_path / "w.json").read_bytes())
    assert fitted["fitted"]["text_fingerprint"] == "2"
    assert (fitted["numeric"]["mean"], fitted["text"]["mean"]) == ([1.0] * 384, [9.0] * 384)
    assert fitted["numeric"]["scale"] == pytest.approx(np.sqrt(384 * 2 / 3))
    within = 384 * 2 * 0.5**2
    assert fitted["text"]["within"] == pytest.approx(within)
    assert fitted["text"]["scale"] == pytest.approx(np.sqrt(384 * 2 / 3 - within / 2))
    before = (tmp_path / "w.json").read_bytes()
    again = stream_app.run_here(f"{words}{halves} --append")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "w.json is there already; --force replaces it" in again.stderr
    again = stream_app.run_here(f"{words}{halves} --append --force")
    assert (again.exit_code, (tmp_path / "w.json").read_bytes()) == (0, before), again.stderr
    added = tomllib.loads((tmp_path / "own.toml").read_text())["models"]["x"]
    assert tomllib.loads(ran.stdout)["models"]["x"] == added
    assert "numeric_weight = 3.0" in stream_app.run_here("models show x").stdout
    nobody = stream_app.run_here(f"{words} --numeric-model-id nobody --append --force".replace(" x ", " y "))
    assert (nobody.exit_code, "There is no model nobody" in nobody.stderr) == (2, True)
    asyncio.run(register(database_url, Model("y", "joint", 384, "another")))
    other = stream_app.run_here(f"{words}{halves} --output y.json".replace(" x ", " y "))
    assert (other.exit_code, other.stdout) == (2, "")
    assert "The database knows y with other weights" in other.stderr
    assert not (tmp_path / "y.json").exists()


def test_fit_says_what_is_missing(stream_app: CommandLine, tables: Tables) -> None:
    words = "models fit --joint-model-id x --region US --from 2025-01-01 --to 2025-01-31"
    tables.fetch(REGIMES.replace("'num'", "'num-regime-scaled-v1'"))
    said = {
        f"{words} --output w.json": "From 2025-01-01 to 2025-01-31 0 days are too few to fit a mean and a scale; ",
        f"{words} --region XX --output w.json": "There are no vectors of num-regime-scaled-v1 for XX from 2025",
        f"{words} --output /": "/ is no regular file",
        f"{words} --output w.json".replace(" x ", f" {NUMERIC} "): f"{NUMERIC} is a numeric model of ",
        f"{words} --output w.json".replace(" x ", f" {CORE} "): f"{CORE} is a joint model of ",
    }
    for given, sentence in said.items():
        ran = stream_app.run_here(given)
        assert (ran.exit_code, ran.stdout) == (2, ""), given
        assert sentence in " ".join(ran.stderr.split())
