"""Three closed days of prices and news, and what is sent once more after a log was lost."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from schemas import JointRegimeContext, NewsArticle, PriceClose
from tests.integration.pipeline import Pipeline, article, close, weekdays
from tests.integration.steps import Steps

DAYS = (dt.date(2008, 9, 11), dt.date(2008, 9, 12), dt.date(2008, 9, 15))
LAST = DAYS[-1]
SETTINGS: dict[str, Any] = {"window_days": 5, "amend_interval_seconds": 0}


def prices(change: float = 0.0) -> Sequence[PriceClose]:
    """Eight closes up to the last day; the last but one differs by `change`."""
    days = weekdays(LAST, 8)
    return [close("SPX.US", day, 1200.0 + day.day + (change if day == days[-2] else 0.0)) for day in days]


def news() -> Sequence[NewsArticle]:
    """An article a day."""
    return [article(str(day), dt.datetime.combine(day, dt.time(15), dt.UTC), f"News of {day}.") for day in DAYS]


async def live(path: Pipeline, steps: Steps) -> None:
    """Apply prices and news, close the days, and compute them."""
    await path.send(*prices(), *news())
    await steps.apply()
    await path.close("US", *DAYS)
    await steps.compute()
    assert [context.revision for context in await newest(path)] == [1, 1, 1]


async def amended(steps: Steps) -> None:
    """Apply what there is, and let the closer amend until nothing is left to amend."""
    await steps.apply()
    for _ in range(3):
        await steps.close_and_compute()


async def newest(path: Pipeline) -> list[JointRegimeContext]:
    """The newest revision of each day."""
    last = {context.as_of: context for context in await path.revisions("US", *DAYS)}
    return [last[day] for day in DAYS]


async def epoch(path: Pipeline, topic: str) -> int:
    """The epoch in which the database reads a topic."""
    found: int = await path.value(
        "SELECT max(log_epoch) FROM ingest_progress WHERE topic = $1", path.services.topic(topic)
    )
    return found
