"""A short history of two regions in September 2008 that leaves a bit of everything behind, and stops half-way.

The closes are those of the packaged sample; the headlines are made up.
"""

import csv
import datetime as dt
import gzip
from functools import partial

from schemas import NewsArticle, PriceClose
from schemas.topics import NEWS
from stream_app import sample
from stream_app.clock import FixedClock
from tests.faults.observed import STAGE_TOPICS
from tests.faults.settled import applied, ends, settled
from tests.integration.pipeline import Pipeline, article, until

REGIONS = """\
[regions.US]
calendar = "XNYS"
instruments = ["SPX.US"]
languages = ["EN"]
news = "all"
news_day = "session"

[regions.JP]
calendar = "XTKS"
instruments = ["N225.JP", "DAX.EU"]
languages = ["EN", "JA"]
news = "tagged"
news_day = "utc_date"
"""
SETTINGS = {
    "topic_partitions": 2,
    "amend_interval_seconds": 0.0,
    "closer_poll_seconds": 0.1,
    "compute_poll_seconds": 0.1,
    "numeric_publish_max_age_days": 10_000,
}
"""Quick, and with windows on their topic although these prices come years late."""

FIRST_ROW = dt.date(2008, 6, 16)
TOO_EARLY = dt.date(2008, 8, 28)
"""The last day with fewer rows than a window of SPX.US needs."""
FOURTH, MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (dt.date(2008, 9, day) for day in (4, 8, 9, 10, 11, 12))
WAITING = dt.date(2008, 9, 15)
"""Closed in New York while its prices were not applied yet; a holiday in Tokyo."""
OPEN = dt.date(2008, 9, 16)
"""Not closed yet in either region."""


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    """A time of a day, UTC."""
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


STOPPED_AT = at(WAITING, 21)
OPEN_DAY_OVER = at(OPEN + dt.timedelta(days=1), 1)
"""Both regions' open day is due."""


def prices(first: dt.date, last: dt.date) -> list[PriceClose]:
    """The sample's closes of these days."""
    with gzip.open(sample.PRICES, "rt", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if str(first) <= row["trade_date"] <= str(last)]
    return [_price(row) for row in rows]


def _price(row: dict[str, str]) -> PriceClose:
    price, metadata = float(row["close"]), {"from": "sample"} if row["instrument_id"] == "DAX.EU" else None
    return PriceClose(
        instrument_id=row["instrument_id"],
        trade_date=dt.date.fromisoformat(row["trade_date"]),
        close=price,
        volume=float(row["volume"]),
        open=price * 0.99 if metadata else None,
        high=price * 1.01 if metadata else None,
        low=price * 0.98 if metadata else None,
        adjusted_close=price if metadata else None,
        currency=row["currency"],
        metadata=metadata,
    )


def news(day: dt.date) -> list[NewsArticle]:
    """A day's articles: two for everybody, one for Japan, and one in German, which neither region reads."""
    return [
        article(f"{day}-a", at(day, 11), f"The mills grind slowly on {day:%A}."),
        article(
            f"{day}-b",
            at(day, 18, 30),
            f"A made-up bank of {day:%-d} September reports.",
            body="Nothing in it is true.",
            source="made up",
            metadata={"desk": "invention", "rank": day.day},
        ),
        article(f"{day}-c", at(day, 3), f"Kōbe's harbour is busy on {day:%A}.", regions=("JP",)),
        article(f"{day}-d", at(day, 9), f"Am {day:%-d}. September regnet es.", language="de"),
    ]


async def live_through(path: Pipeline, clock: FixedClock) -> None:
    """Run the stages through the history and stop them."""
    clock.time = at(WEDNESDAY, 12)
    path.start(*STAGE_TOPICS)
    await _history(path)
    await _live_days(path, clock)
    await _what_changes_later(path)
    await _half_a_day(path, clock)


async def _history(path: Pipeline) -> None:
    """Days before the first start, closed by hand: among them one without enough rows and one without news."""
    await path.send(*prices(FIRST_ROW, TUESDAY))
    await path.send(*news(MONDAY), *news(TUESDAY))
    await path.applied()
    await path.close("US", TOO_EARLY, FOURTH, MONDAY, TUESDAY)
    await path.close("JP", MONDAY, TUESDAY)
    await until(partial(settled, path), "the days before the start")


async def _live_days(path: Pipeline, clock: FixedClock) -> None:
    """Days that the timer closes."""
    for day in (WEDNESDAY, THURSDAY, FRIDAY):
        await path.send(*prices(day, day), *news(day))
        await path.applied()
        clock.time = at(day + dt.timedelta(days=1), 1)
        await path.revision("US", day)
        await path.revision("JP", day)
    await until(partial(settled, path), "the days of the timer")


async def _what_changes_later(path: Pipeline) -> None:
    """A price and an article are corrected, one of each is taken back, one is late; some cannot be read."""
    await path.send(
        PriceClose(instrument_id="SPX.US", trade_date=THURSDAY, close=1250.0, volume=4.0e9),
        PriceClose(instrument_id="N225.JP", trade_date=WEDNESDAY, retracted=True),
        article(f"{FRIDAY}-a", at(FRIDAY, 11), "The mills have stopped, we are told now."),
        NewsArticle(article_id=f"{TUESDAY}-b", retracted=True),
        article("late", at(MONDAY, 15), "This was overlooked.", regions=("US", "JP")),
        article("dated", at(TUESDAY, 23, 59) + dt.timedelta(seconds=59), "The day is known.", time_precision="date"),
    )
    await path.send_raw("prices.closes", 0, (b"N225.JP", b"no json"), (b"DAX.EU", None))
    await path.send_raw("news.articles", 1, (b"another key", b'{"article_id": "\xff"}'))
    await until(partial(settled, path), "what came later")


async def _half_a_day(path: Pipeline, clock: FixedClock) -> None:
    """A trigger waits for prices that are not applied, a closed day has late news, and the open one its first."""
    await path.stop("prices")
    await path.send(*prices(WAITING, WAITING), *news(WAITING))
    await _news_applied(path)
    clock.time = STOPPED_AT
    await until(partial(_stored_trigger, path), "the trigger that waits is stored")
    await path.stop("contexts")
    await path.send(article("too late", at(FRIDAY, 13), "Nobody was there to amend the day."), *news(OPEN)[:1])
    await _news_applied(path)
    await path.stop("news")


async def _news_applied(path: Pipeline) -> None:
    async def reached() -> bool:
        return await applied(path, NEWS.name) == await ends(path, NEWS.name)

    await until(reached, "the news is applied")


async def _stored_trigger(path: Pipeline) -> bool:
    stored = "SELECT count(*) FROM day_triggers WHERE as_of = $1 AND known_at IS NOT NULL AND published"
    return bool(await path.value(stored, WAITING))
