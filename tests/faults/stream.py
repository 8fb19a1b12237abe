"""A market to break things with: prices, news, corrections, retractions and poison in one order, drawn from a seed."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass

from schemas import NewsArticle, PriceClose, encode
from schemas.topics import NEWS, PRICES
from stream_app.kafka.producing import Outgoing
from tests.faults.text_model import BROKEN_BY_FILES
from tests.integration.pipeline import weekdays

REGIONS = """
[regions.US]
calendar = "XNYS"
instruments = ["I000", "I001", "I002"]

[regions.JP]
calendar = "XTKS"
instruments = ["I003"]
languages = ["EN", "JA"]
news = "tagged"

[regions.UK]
calendar = "XLON"
instruments = ["I004", "NEVER-PRICED"]
news = "tagged"
news_day = "utc_date"
"""
REGION_NAMES = ("US", "JP", "UK")
# Weekdays on which all three exchanges trade, so that each region has the same days to close.
LAST_DAY = dt.date(2024, 6, 28)
WINDOWS_PUBLISHED_DAYS = (dt.datetime.now(dt.UTC).date() - LAST_DAY).days + 7
"""As `numeric_publish_max_age_days` it has the windows of the market's last week published."""
NEWS_DAYS = 14
CORRECTED, RETRACTED, POISONED = 0.02, 0.005, 0.005
FAR_AHEAD, UNENCODABLE = 0.03, 0.03
"""Of the articles."""
LANGUAGES = ("en", "EN", "ja", "de", None)
TAGS: tuple[tuple[str, ...], ...] = ((), (), ("US",), ("JP",), ("GB",), ("UK", "JP"))
WORDS = ("bank", "oil", "rates", "trade", "jobs", "profit", "loss", "merger", "storm", "vote", "bond", "yen", "gold")
POISON = (
    b"",
    b"{",
    b"\xff\xfe",
    b'{"instrument_id": "I000", "trade_date": "2024-06-03", "close": NaN, "volume": 1}',
    b'{"instrument_id": "I000", "trade_date": "2124-06-03", "close": 1, "volume": 1}',
)
CENTURY = dt.timedelta(days=36_525)


@dataclass(frozen=True, slots=True)
class Slice:
    """Records to send together, and the day whose closing falls due after them."""

    records: Sequence[Outgoing]
    closing: dt.date


class Market:
    """The stream of one seed: `instruments` x `days` closes, with some `articles`."""

    def __init__(self, seed: int, prefix: str, instruments: int, days: int, articles: int) -> None:
        self._random = random.Random(seed)
        self._prefix = prefix
        self._names = [f"I{number:03}" for number in range(instruments)]
        self._days = weekdays(LAST_DAY, days)
        self._articles = articles

    def slices(self, count: int) -> list[Slice]:
        """The stream cut into about equal slices; the last `count` days fall due after one slice each."""
        records = self._records()
        bounds = [len(records) * index // count for index in range(count + 1)]
        return [
            Slice(records[start:end], day)
            for start, end, day in zip(bounds, bounds[1:], self._days[-count:], strict=False)
        ]

    def _records(self) -> list[Outgoing]:
        """Day by day, with late, corrected, retracted, repeated and broken records in between."""
        records = []
        news = self._news()
        total = len(self._names) * len(self._days)
        sent: list[PriceClose] = []
        for day in self._days:
            for name in self._names:
                if self._random.random() < 0.98:  # the rest is missing, so that some windows are padded
                    sent.append(self._close(name, day))
                    records.append(self._price(sent[-1]))
                records += self._disturbances(sent)
                while news and len(news) * total > self._articles * (total - len(sent)):
                    records.append(self._article(news.pop()))
        return records + [self._article(article) for article in news]

    def _close(self, name: str, day: dt.date) -> PriceClose:
        price, volume = self._random.uniform(50, 5_000), self._random.randrange(10**9)
        return PriceClose(instrument_id=name, trade_date=day, close=round(price, 2), volume=float(volume))

    def _disturbances(self, sent: Sequence[PriceClose]) -> list[Outgoing]:
        drawn = self._random.random()
        if not sent or drawn > CORRECTED + RETRACTED + POISONED:
            return []
        old = self._random.choice(sent)
        if drawn < CORRECTED:
            return [self._price(self._close(old.instrument_id, old.trade_date))]
        if drawn < CORRECTED + RETRACTED:
            gone = PriceClose(instrument_id=old.instrument_id, trade_date=old.trade_date, retracted=True)
            return [self._price(gone)]
        return [Outgoing(self._prefix + PRICES.name, b"I000", self._random.choice(POISON))]

    def _news(self) -> list[NewsArticle]:
        """Articles of the last days, every fifth a new version of an earlier one; some share a text."""
        first = dt.datetime.combine(self._days[-NEWS_DAYS], dt.time(), dt.UTC)
        articles: list[NewsArticle] = []
        for number in range(self._articles):
            again = number % 5 == 4
            article_id = self._random.choice(articles).article_id if again else f"n{number:04}"
            if again and self._random.random() < 0.3:
                articles.append(NewsArticle(article_id=article_id, retracted=True))
                continue
            articles.append(
                NewsArticle(
                    article_id=article_id,
                    published_at=first + self._published_after(),
                    headline=" ".join(self._headline()),
                    body=self._random.choice((None, "", "More to follow.")),
                    language=self._random.choice(LANGUAGES),
                    regions=self._random.choice(TAGS),
                )
            )
        return articles[::-1]

    def _published_after(self) -> dt.timedelta:
        after = dt.timedelta(minutes=self._random.randrange(NEWS_DAYS * 7 // 5 * 24 * 60))
        return after + CENTURY if self._random.random() < FAR_AHEAD else after

    def _headline(self) -> list[str]:
        words = self._random.choices(WORDS, k=3)
        return [*words, self._random.choice(BROKEN_BY_FILES)] if self._random.random() < UNENCODABLE else words

    def _price(self, event: PriceClose) -> Outgoing:
        return Outgoing(self._prefix + PRICES.name, event.instrument_id.encode(), encode(event))

    def _article(self, event: NewsArticle) -> Outgoing:
        key = b"another key" if self._random.random() < POISONED else event.article_id.encode()
        return Outgoing(self._prefix + NEWS.name, key, encode(event))


def repeated(records: Sequence[Outgoing], drawn: random.Random) -> list[Outgoing]:
    """Each record one to three times; a copy follows at once, or comes anywhere after it."""
    placed: list[tuple[float, Outgoing]] = []
    for index, record in enumerate(records):
        last = drawn.choice((index, len(records)))
        placed += [(index, record), *((drawn.uniform(index, last), record) for _ in range(drawn.randrange(3)))]
    return [record for _, record in sorted(placed, key=lambda pair: pair[0])]
