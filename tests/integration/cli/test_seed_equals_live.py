"""The seed commands over what the live path has read: the same vectors to the bit, and live rows stay as they are."""

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stream_app.config import load_settings
from tests.integration.cli.conftest import CommandLine
from tests.integration.pipeline import Place, article, close, weekdays
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel
from tests.models_file import CORE

DAY = dt.date(2025, 1, 31)
SESSIONS = weekdays(DAY, 90)
CLOSED = (SESSIONS[-30], SESSIONS[-3], SESSIONS[-2], DAY)
SPAN = f"--date-range {CLOSED[0]} {DAY}"
REGIONS = """
    [regions.US]
    calendar = "XNYS"
    instruments = ["AAPL.US"]
    news = "all"
    news_day = "utc_date"
"""
LIVE = (
    "SELECT as_of_date, vector FROM numeric_window_embeddings WHERE entity_id = 'AAPL.US' AND as_of_date = ANY($1)",
    "SELECT as_of_date, instruments, regime_label, confidence, metadata, regime_embedding FROM regimes "
    "WHERE region = 'US' AND origin = $2 AND as_of_date = ANY($1)",
    "SELECT source_id, content_hash, vector FROM text_embeddings",
    "SELECT as_of_date, entity_scope, vector FROM joint_embeddings WHERE region = 'US' AND as_of_date = ANY($1)",
)
MADE = (
    "numeric_window_embeddings, regimes, text_embeddings, joint_embeddings, joint_embedding_revisions, day_triggers, "
    "regions, models"
)


@pytest.fixture
def regions(tmp_path: Path) -> Path:
    """A region under the original's rule for news."""
    file = tmp_path / "regions.toml"
    file.write_text(REGIONS)
    return file


async def live(place: Place, model: QuickModel, regions: Path, joint: str = CORE) -> None:
    """Months of prices and news, with a correction, a retraction and a date-only article; four days closed."""
    prices = [close("AAPL.US", day, 100.1 + 0.3 * number, 1e7 + number) for number, day in enumerate(SESSIONS)]
    news = [
        article(f"{day}-{hour}", dt.datetime.combine(day, dt.time(hour, 30), dt.UTC), f"News of {day}, {hour} o'clock.")
        for day in SESSIONS[-40:]
        for hour in (0, 11, 23)
    ]
    new_york = dt.timezone(-dt.timedelta(hours=5))
    last_instant = dt.datetime.combine(DAY, dt.time(23, 59, 59), new_york)
    async with place.pipeline(regions=regions, joint_models=(joint,)) as path, stepping(path, model) as steps:
        await path.send(*prices, *news)
        await path.send(article("of-the-date", last_instant, "Only its date is known.", time_precision="date"))
        await path.send(article("in-german", last_instant, "Auf Deutsch.", language="de"))
        await path.send(close("AAPL.US", SESSIONS[-5], 99.9, 5e6))
        await path.send(replaced(news[4].article_id), retracted(news[5].article_id))
        await steps.apply(steps.prices, steps.news)
        await path.close("US", *CLOSED)
        await steps.compute()


def replaced(article_id: str) -> Any:
    """A correction that moves an article to a closed day."""
    return article(article_id, dt.datetime.combine(DAY, dt.time(9), dt.UTC), "Corrected.")


def retracted(article_id: str) -> Any:
    """A retraction."""
    return article(article_id, dt.datetime.combine(DAY, dt.time(9), dt.UTC), "Withdrawn.", retracted=True)


async def stored(place: Place, origin: str) -> list[list[tuple[str, ...]]]:
    """What the four tables hold of the closed days, and of every article, in an order of its own."""
    async with place.pipeline() as path:
        found = [
            await path.fetch(query, *([CLOSED] if "$1" in query else []), *([origin] if "$2" in query else []))
            for query in LIVE
        ]
        return [sorted(tuple(map(repr, row.values())) for row in rows) for rows in found]


async def forget_what_was_made(place: Place) -> None:
    """Leave the inputs, and the texts' vectors by content: a model gives another text batch other last bits."""
    async with place.pipeline() as path:
        await path.fetch(f"TRUNCATE {MADE}")


async def origins(place: Place) -> dict[str, set[str]]:
    """The origins of the rows of each table."""
    tables = ("numeric_window_embeddings", "regimes", "text_embeddings", "joint_embeddings")
    async with place.pipeline() as path:
        return {table: {row[0] for row in await path.fetch(f"SELECT DISTINCT origin FROM {table}")} for table in tables}


def run_all(commands: CommandLine) -> list[str]:
    """The three commands that fill and the one that shows; their results."""
    ran = [
        commands.run_here(words)
        for words in (
            f"run-numeric-regime --region US --instrument-id AAPL.US {SPAN}",
            f"backfill-text-embeddings {SPAN} --language EN",
            f"backfill-joint-regime-context --region US {SPAN} --language en",
            f"show --region US --start {DAY} --end {DAY}",
        )
    ]
    assert [result.exit_code for result in ran] == [0] * 4, [result.stderr for result in ran]
    return [result.stdout for result in ran]


@pytest.mark.parametrize("joint", load_settings().joint_models)
def test_the_four_commands_give_the_live_vectors_to_the_bit(
    stream_app: CommandLine, place: Place, model: QuickModel, regions: Path, joint: str
) -> None:
    own = {"STREAM_APP_REGIONS": str(regions), "STREAM_APP_JOINT_MODELS": joint}
    commands = replace(stream_app, environment=stream_app.environment | own)
    asyncio.run(live(place, model, regions, joint))
    was = asyncio.run(stored(place, "live"))
    assert [len(rows) for rows in was] == [4, 4, 121, 4]

    shown = run_all(commands)[3]
    assert asyncio.run(stored(place, "live")) == was
    assert asyncio.run(stored(place, "backfill"))[1] == was[1]

    encoded = len(model.encoded)
    asyncio.run(forget_what_was_made(place))
    assert run_all(commands)[3] == shown
    found = asyncio.run(stored(place, "backfill"))
    english = [row for row in was[2] if "in-german" not in row[0]]
    assert found == [was[0], was[1], found[2], was[3]]
    assert set(found[2]) <= set(english)
    assert len(model.encoded) == encoded
    assert set().union(*asyncio.run(origins(place)).values()) == {"backfill"}


async def live_after(place: Place, model: QuickModel, regions: Path) -> None:
    """The newest day's price arrives, and the days close."""
    async with place.pipeline(regions=regions) as path, stepping(path, model) as steps:
        await path.send(close("AAPL.US", DAY, 77.0, 1e6))
        await steps.apply(steps.prices, steps.news)
        await path.close("US", *CLOSED)
        await steps.compute()


async def live_before(place: Place, model: QuickModel, regions: Path) -> None:
    """All prices but the newest day's, and its news."""
    prices = [close("AAPL.US", day, 100.0 + number, 1e6) for number, day in enumerate(SESSIONS[:-1])]
    news = article("one", dt.datetime.combine(DAY, dt.time(9), dt.UTC), "News of the day.")
    async with place.pipeline(regions=regions) as path, stepping(path, model) as steps:
        await path.send(*prices, news)
        await steps.apply(steps.prices, steps.news)


def test_what_the_worker_makes_takes_the_place_of_what_was_filled_in(
    stream_app: CommandLine, place: Place, model: QuickModel, regions: Path
) -> None:
    commands = replace(stream_app, environment=stream_app.environment | {"STREAM_APP_REGIONS": str(regions)})
    asyncio.run(live_before(place, model, regions))
    run_all(commands)
    filled = asyncio.run(stored(place, "backfill"))
    assert asyncio.run(origins(place))["joint_embeddings"] == {"backfill"}

    asyncio.run(live_after(place, model, regions))
    assert asyncio.run(origins(place)) == {
        "numeric_window_embeddings": {"live"},
        "regimes": {"backfill", "live"},
        "text_embeddings": {"live"},
        "joint_embeddings": {"live"},
    }
    after = asyncio.run(stored(place, "live"))
    assert [after[table][-1] != filled[table][-1] for table in (0, 1, 3)] == [True] * 3
