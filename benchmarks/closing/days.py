"""The days to close: regions with an instrument each, its prices, and every day's articles, which they share."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas import DIM, NewsArticle, PriceClose
from stream_app.regime.calendars import SessionCalendar, load_calendar

CALENDAR = "XNYS"
CALENDAR_END = dt.date(2025, 12, 31)
FIRST_DAY = dt.date(2024, 6, 3)
HISTORY_SESSIONS = 70
"""Sessions with prices before the first day that is closed: more than a window holds."""
BODY_WORDS = 100
WORDS = ("shares", "yield", "rates", "index", "growth", "margin", "outlook", "demand", "exports", "profit")


@dataclass(frozen=True, slots=True)
class ClosingDays:
    """`days` are sessions in order. Every region counts the day's untagged articles and one of its own."""

    calendar: SessionCalendar
    days: Sequence[dt.date]
    regions: Sequence[str]
    articles_a_day: int

    def write_regions(self, file: Path) -> None:
        """The regions file."""
        tables = [
            f'[regions.{name}]\ncalendar = "{CALENDAR}"\ninstruments = ["{instrument_of(name)}"]\nnews = "tagged"\n'
            for name in self.regions
        ]
        file.write_text("\n".join(tables))

    def history(self) -> Iterator[PriceClose]:
        """Prices of every instrument before the first of the days."""
        until = self.days[0] - dt.timedelta(days=1)
        before = self.calendar.sessions_between(until - dt.timedelta(days=2 * HISTORY_SESSIONS), until)
        for day in before[-HISTORY_SESSIONS:]:
            for region in self.regions:
                yield price(region, day)

    def articles(self, day: dt.date) -> list[NewsArticle]:
        """A day's articles but a region's last, spread over its news window, their ids in no order."""
        chance = np.random.default_rng(day.toordinal())
        count = self.articles_a_day - 1
        shares, numbers = chance.uniform(0.01, 0.99, count), chance.permutation(count)
        words = chance.integers(0, len(WORDS), (count, BODY_WORDS))
        return [
            self._article(f"{number * 7919 % 10**6:06}-{day}", day, float(share), " ".join(WORDS[w] for w in of_body))
            for number, share, of_body in zip(numbers.tolist(), shares, words.tolist(), strict=True)
        ]

    def last_article(self, region: str, day: dt.date) -> NewsArticle:
        """An article that comes late in the news window and counts for one region alone."""
        return self._article(f"last-{region}-{day}", day, 0.995, "shares", (region,))

    def _article(
        self, article_id: str, day: dt.date, share: float, body: str, tags: tuple[str, ...] = ()
    ) -> NewsArticle:
        after, until = self.calendar.news_window(day)
        return NewsArticle(
            article_id=article_id,
            published_at=after + share * (until - after),
            headline=f"Article {article_id}",
            body=body,
            language="en",
            source="benchmark",
            regions=tags,
        )


def closing_days(days: int, regions: int, articles_a_day: int) -> ClosingDays:
    """So many sessions in a row and regions."""
    calendar = load_calendar(CALENDAR, CALENDAR_END)
    sessions = calendar.sessions_between(FIRST_DAY, CALENDAR_END)[:days]
    return ClosingDays(calendar, sessions, [f"R{number:03}" for number in range(regions)], articles_a_day)


def instrument_of(region: str) -> str:
    """A region's only instrument."""
    return f"INDEX.{region}"


def price(region: str, day: dt.date) -> PriceClose:
    """The close of a region's instrument."""
    level = 100 + 10 * np.sin(day.toordinal() / 20 + len(region))
    return PriceClose(
        instrument_id=instrument_of(region), trade_date=day, close=float(level), volume=1e6 + day.toordinal()
    )


def text_vectors(count: int, seed: int) -> NDArray[np.float32]:
    """Vectors of length 1, float32 (count, 384), in place of what the text model would make."""
    made = np.random.default_rng(seed).normal(size=(count, DIM))
    vectors: NDArray[np.float32] = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return vectors
