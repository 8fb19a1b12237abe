"""A year of two regions as the product itself makes it: closed, amended, absent and waiting days, and dead letters."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from schemas import NewsArticle, PriceClose
from stream_app.clock import FixedClock
from stream_app.embedded import Endpoints
from stream_app.regime.calendars import load_calendar
from stream_app.store import joint_embeddings, vectors
from stream_app.store.database import transaction
from stream_app.store.joint_embeddings import MadeOf
from stream_app.store.trigger_queue import go_live
from tests.integration.pipeline import Pipeline, article, close, pipeline
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

NOW = dt.datetime(2008, 12, 31, 15, tzinfo=dt.UTC)
"""New York trades, Hong Kong has closed, Frankfurt and Tokyo are on holiday."""
CORE, SCALED = "joint-regime-core-v1", "joint-regime-scaled-v2"
LEHMAN = dt.date(2008, 9, 15)
QUIET = dt.date(2008, 9, 24)
"""A day without news."""
FILLED_IN = [dt.date(2008, 12, day) for day in (24, 25, 26)]
"""Of JP, by a seed command."""
CALENDAR_END = dt.date(2035, 12, 31)
SETTINGS: dict[str, Any] = {"amend_interval_seconds": 0, "joint_models": (CORE, SCALED)}


def sessions(calendar: str, first: dt.date, last: dt.date) -> Sequence[dt.date]:
    """The exchange's sessions between two days."""
    return load_calendar(calendar, CALENDAR_END).sessions_between(first, last)


US_DAYS = sessions("XNYS", dt.date(2008, 1, 2), dt.date(2008, 12, 30))
EU_DAYS = sessions("XETR", dt.date(2008, 7, 1), dt.date(2008, 12, 30))


def first_records() -> list[PriceClose | NewsArticle]:
    """Closes of a random walk, and two articles a session."""
    random = np.random.default_rng(2008)
    found: list[PriceClose | NewsArticle] = []
    for instrument, calendar, first in (("SPX.US", "XNYS", (2007, 8, 1)), ("DAX.EU", "XETR", (2008, 2, 1))):
        days = sessions(calendar, dt.date(*first), dt.date(2008, 12, 30))
        prices = 1_400.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, len(days))))
        found += [close(instrument, day, float(price)) for day, price in zip(days, prices, strict=True)]
    for day in US_DAYS:
        if day != QUIET:
            found += [told(day, name, f"What the {name} of {day} said.") for name in ("morning", "noon")]
    return found


def told(day: dt.date, name: str, headline: str | None, **more: object) -> NewsArticle:
    """An article of a day, before the exchanges close."""
    hour = {"morning": 9, "noon": 12}.get(name, 13)
    instant = dt.datetime.combine(day, dt.time(hour), dt.UTC)
    return article(f"{day}-{name}", instant, headline or "", **{"source": "wire"} | more)


def late_records() -> list[PriceClose | NewsArticle]:
    """What comes after the year was closed: news, a corrected headline and price, and an article taken back."""
    return [
        told(LEHMAN, "late", "Late news.", metadata={"url": "https://example.org/late"}),
        told(LEHMAN, "morning", "A corrected headline."),
        NewsArticle(article_id=f"{dt.date(2008, 9, 16)}-noon", retracted=True),
        close("SPX.US", dt.date(2008, 12, 15), 1_111.0),
    ]


async def live(endpoints: Endpoints, database_url: str, topic_prefix: str) -> None:
    """Let all of it come to pass in a database."""
    clock = FixedClock(NOW)
    async with (
        pipeline(endpoints, database_url, topic_prefix, clock=clock, **SETTINGS) as path,
        stepping(path, QuickModel()) as steps,
    ):
        await path.send(*first_records())
        await _send_bad(path)
        await steps.apply()
        await path.close("US", *US_DAYS)
        await path.close("EU", *EU_DAYS)
        await steps.compute()
        await path.send(*late_records())
        await steps.apply()
        await steps.close_and_compute()
        await steps.closer.run_once()  # which finds the marks settled
        await path.close("HK", dt.date(2008, 12, 31))
        await steps.compute()
        await _leave_waiting(path, steps)
        await _fill_in(path)


async def _send_bad(path: Pipeline) -> None:
    """Three prices and two articles that cannot be used."""
    for number in range(3):
        await path.send_raw("prices.closes", 0, (b"SPX.US", b"no price %d" % number))
    await path.send_raw("news.articles", 1, (b"x", "kein Artikel \N{SNOWMAN}".encode() * 50), (b"y", b"\xff\xfe" * 10))


async def _leave_waiting(path: Pipeline, steps: Steps) -> None:
    """A day of UK whose price is in the log and not applied; and JP's timer runs, but not its worker."""
    await path.send(close("FTSE.UK", dt.date(2008, 12, 30), 4_392.0))
    await path.close("UK", dt.date(2008, 12, 30))
    await steps.apply(steps.triggers)
    async with transaction(path.services.pool) as conn:
        await go_live(conn, ["JP"], NOW - dt.timedelta(days=2))


async def _fill_in(path: Pipeline) -> None:
    """Days of JP as a seed command stores them."""
    matrix = np.random.default_rng(1).standard_normal((len(FILLED_IN), 384)).astype(np.float32)
    made_of = MadeOf(CORE, "num-regime-core-v1", "text-fin-general-v1")
    made = joint_embeddings.records(made_of, [("JP", day) for day in FILLED_IN], vectors.to_rows(matrix))
    async with transaction(path.services.pool) as conn:
        await joint_embeddings.put(conn, made)
