"""A year of days as the product itself makes them, with headlines that try to be more than words."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schemas import NewsArticle, PriceClose
from stream_app.embedded import Endpoints
from stream_app.regime.calendars import load_calendar
from stream_app.sample import MODELS
from stream_app.store import joint_embeddings, vectors
from stream_app.store.database import transaction
from stream_app.store.joint_embeddings import MadeOf
from tests.integration.pipeline import Pipeline, article, close, pipeline
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

CORE, SCALED = "joint-regime-core-v1", "joint-regime-scaled-v2"
CALENDAR_END = dt.date(2035, 12, 31)
LEHMAN, QUIET, LAST = dt.date(2008, 9, 15), dt.date(2008, 9, 24), dt.date(2008, 12, 30)
"""A day to remember, one without news, and the one that a test closes."""
MARKUP = '<img src=x onerror="document.title=1">'
STRANGE, INSTRUMENT = "X&<b><script>alert(6)", f"X & {MARKUP}"
"""A region and its instrument."""
LONG = "W" * 64
"""A region of the longest name, of which no price has come."""
PREFIX = "browser."
HEADLINES = (
    "Lehman Brothers files for bankruptcy",
    MARKUP,
    "</script><script>alert(1)</script>",
    "<b onmouseover=alert(2)>bold</b> & <a href='javascript:alert(3)'>pressed</a>",
    "\N{RIGHT-TO-LEFT OVERRIDE}sdrawkcab\N{RIGHT-TO-LEFT MARK} שלום",
)
URLS = ("https://example.org/lehman", "javascript:alert(4)", "data:text/html,<script>alert(5)</script>", None, "//x")


def regions_file(folder: Path) -> Path:
    """US with all that there is, two of strange names, one that a seed command filled in, and one without days."""
    path = folder / "regions.toml"
    path.write_text(
        '[regions.US]\ncalendar = "XNYS"\ninstruments = ["SPX.US"]\n'
        f"[regions.'{STRANGE}']\ncalendar = \"XETR\"\ninstruments = ['{INSTRUMENT}']\n"
        f'[regions.{LONG}]\ncalendar = "XNYS"\ninstruments = ["NONE.US"]\n'
        '[regions.EU]\ncalendar = "XETR"\ninstruments = ["DAX.EU"]\n'
        '[regions.JP]\ncalendar = "XTKS"\ninstruments = ["NKX.JP"]\n',
        encoding="utf-8",
    )
    return path


@dataclass(frozen=True, slots=True)
class Stage:
    """The database with what can still be made to happen in it."""

    path: Pipeline
    steps: Steps
    settings: dict[str, str]
    """Of a server on it."""

    async def let_the_last_day_come(self) -> None:
        """Its news."""
        await self.path.send(told(LAST, 0, "The year ends"))
        await self.steps.apply()

    async def close_the_last_day(self) -> None:
        """Its close, and what a worker does then."""
        await self.path.close("US", LAST)
        await self.steps.compute()


@asynccontextmanager
async def lived(endpoints: Endpoints, database_url: str, folder: Path) -> AsyncIterator[Stage]:
    """The year in a database."""
    settings: dict[str, Any] = {
        "models_file": str(MODELS),
        "regions": str(regions_file(folder)),
        "joint_models": f"{CORE},{SCALED}",
    }
    async with (
        pipeline(endpoints, database_url, PREFIX, **settings) as path,
        stepping(path, QuickModel()) as steps,
    ):
        days = sessions("XNYS", dt.date(2008, 3, 3), LAST)
        await path.send(*prices("SPX.US", "XNYS"), *prices(INSTRUMENT, "XETR"), *news(days[:-1]))
        await path.send_raw("prices.closes", 0, (b"SPX.US", b"<b>no price</b>"))
        await steps.apply()
        await path.close("US", *days[:-1])
        await path.close(STRANGE, *sessions("XETR", dt.date(2008, 8, 1), dt.date(2008, 9, 30)))
        await path.close(LONG, dt.date(2008, 12, 31), force=True)
        await steps.compute()
        await _fill_in(path)
        environment = settings | {
            "database_url": database_url,
            "kafka_url": endpoints.kafka.servers,
            "topic_prefix": PREFIX,
        }
        yield Stage(path, steps, {f"STREAM_APP_{name.upper()}": value for name, value in environment.items()})


def sessions(calendar: str, first: dt.date, last: dt.date) -> Sequence[dt.date]:
    """The exchange's sessions between two days."""
    return load_calendar(calendar, CALENDAR_END).sessions_between(first, last)


def prices(instrument: str, calendar: str) -> list[PriceClose]:
    """Closes that walk quietly up to the day to remember, and wildly after it."""
    days = sessions(calendar, dt.date(2007, 10, 1), LAST)
    steps = np.random.default_rng(2008).normal(0.0, 1.0, len(days)) * [0.007 if day < LEHMAN else 0.035 for day in days]
    steps[list(days).index(LEHMAN)] = -0.048
    return [
        close(instrument, day, float(each)) for day, each in zip(days, 1_400 * np.exp(np.cumsum(steps)), strict=True)
    ]


def news(days: Sequence[dt.date]) -> list[NewsArticle]:
    """One article a day, several on the day to remember, none on the quiet one."""
    remembered = [told(LEHMAN, number, headline) for number, headline in enumerate(HEADLINES)]
    return remembered + [told(day, 0, f"What {day} said") for day in days if day not in (LEHMAN, QUIET)]


def told(day: dt.date, number: int, headline: str) -> NewsArticle:
    """An article of a day, before the exchange closes."""
    instant = dt.datetime.combine(day, dt.time(12, number), dt.UTC)
    url = URLS[number] if day == LEHMAN else None
    metadata = {} if url is None else {"url": url}
    return article(f"{day}-{number}", instant, headline, source="<i>wire</i>", metadata=metadata)


async def _fill_in(path: Pipeline) -> None:
    """Days of EU as a seed command stores them."""
    days = sessions("XETR", dt.date(2008, 12, 1), dt.date(2008, 12, 12))
    matrix = np.random.default_rng(1).standard_normal((len(days), 384)).astype(np.float32)
    made_of = MadeOf(CORE, "num-regime-core-v1", "text-fin-general-v1")
    made = joint_embeddings.records(made_of, [("EU", day) for day in days], vectors.to_rows(matrix))
    async with transaction(path.services.pool) as conn:
        await joint_embeddings.put(conn, made)
