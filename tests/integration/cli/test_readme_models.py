"""The README's blocks on regimes, models and training, run as they are written over days that are stored."""

import asyncio
import datetime as dt
import tomllib

import pytest

from stream_app.models import load_registry
from stream_app.regime.calendars import load_calendar
from stream_app.regime.volatility_profile import MODEL_ID
from stream_app.store.database import connect
from stream_app.store.prices import days_of
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.planted import store_days
from tests.integration.cli.tables import Tables
from tests.integration.cli.written import ROOT, block, run_here
from tests.tiny_models import tiny_bert

README = (ROOT / "README.md").read_text()
SESSIONS = load_calendar("XNYS", dt.date(2010, 12, 31)).sessions_between(dt.date(2005, 9, 1), dt.date(2010, 12, 31))
ARTICLES = """
    INSERT INTO news_articles (article_id, published_at, news_date, time_precision, language, headline, content_hash)
    SELECT day || '-' || n, day + interval '15 hours', day, 'time', 'en', 'News ' || n || ' of ' || day,
        sha256(convert_to(day || '-' || n, 'UTF8'))
    FROM unnest($1::date[]) AS day, generate_series(1, 2) AS n WHERE day >= '2008-07-01'
"""
TEXTS = """
    INSERT INTO text_embeddings (source_id, model_id, content_hash, vector, origin)
    SELECT article_id, 'text-fin-general-v1', content_hash,
        (SELECT array_agg(sin(n * (hashtext(article_id) % 1000))) FROM generate_series(1, 384) AS n)::vector, 'backfill'
    FROM news_articles
"""


async def _store(database_url: str) -> None:
    """Prices, the scaled model's regimes of them, and from July 2008 on two articles a day with their vectors."""
    connection = await connect(database_url)
    try:
        await store_days(connection, days_of(SESSIONS))
        await connection.execute(ARTICLES, SESSIONS)
        await connection.execute(TEXTS)
    finally:
        await connection.close()


@pytest.fixture
def filled(stream_app: CommandLine, tables: Tables) -> CommandLine:
    """Over stored days, in a folder with the models that the README names and its models file."""
    asyncio.run(_store(tables.database_url))
    (stream_app.folder / "models").mkdir()
    tiny_bert(stream_app.folder / "models" / "own", 64)
    tiny_bert(stream_app.folder / "models" / "large", 512)
    (stream_app.folder / "models.toml").write_text(block(README, "toml", '[models."joint-own"]'))
    stream_app.environment["STREAM_APP_TEXT_DEVICE"] = "cpu"
    return stream_app


def test_labels_are_fitted_models_looked_at_and_spaces_trained_as_written(filled: CommandLine) -> None:
    _, listed, labelled = run_here(filled, block(README, "sh", "regimes fit"))
    assert listed.stdout.splitlines()[1:] == [f"regimes-us-v1,{MODEL_ID},US,CALM NORMAL STRESSED,yes"]
    assert labelled.stdout.count(",US,num-regime-scaled-v1,,NEUTRAL,1.000000\n") == 200, "until a worker labels them"

    listed, shown, checked = run_here(filled, block(README, "sh", "models check"))
    registry = load_registry(filled.folder / "models.toml")
    rows = {line.split()[0]: line.split() for line in listed.stdout.splitlines()}
    assert registry.tables.keys() <= rows.keys()
    assert (rows["regimes-us-v1"][-2:], rows["joint-own"][-2:]) == (["yes", "no"], ["no", "no"])
    assert f"fingerprint = {registry.joint('joint-regime-scaled-v2').fingerprint}" in shown.stdout
    assert checked.stdout.endswith(f"{len(rows) - 1} of {len(rows) - 1} models are loaded, 0 of them registered.\n")

    (projected,) = run_here(filled, block(README, "sh", "train projection"))
    (filled.folder / "more.toml").write_text(projected.stdout)
    path = load_registry(filled.folder / "more.toml").text("MY-TEXT-MODEL").spec.projection
    assert path == filled.folder / "models" / "large-384" / "text-projection.safetensors"
    assert path.exists()

    (trained,) = run_here(filled, block(README, "sh", "train joint"))
    weights = filled.folder / tomllib.loads(trained.stdout)["models"]["joint-regime-proj-v1"]["weights"]
    assert weights == filled.folder / "docs" / "joint_spaces" / "joint-regime-proj-v1.safetensors"
    assert "by chance" in trained.stderr
    assert "(p = " in weights.with_suffix(".md").read_text()
