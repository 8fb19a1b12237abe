"""Half-days, changed clocks, holidays, a leap day, midnight UTC within a day, days without a night: each region's own.

The times are those that the exchanges published, written down here by hand.
"""

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas import NewsArticle, PriceClose
from stream_app.clock import FixedClock
from stream_app.store.database import transaction
from stream_app.store.trigger_queue import go_live
from tests.integration.pipeline import Pipeline, Place, article, close
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

GRACE = dt.timedelta(minutes=15)
SECOND = dt.timedelta(seconds=1)
WINDOW_DAYS = 5


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Some days of a calendar with their closes, and articles' times with the days that they count on (None: none)."""

    calendar: str
    closes: Mapping[str, str]
    news: Mapping[str, str | None]
    news_day: str = "session"

    @property
    def days(self) -> Sequence[dt.date]:
        """The days that the timer must close, and no others."""
        return [dt.date.fromisoformat(day) for day in self.closes]

    @property
    def numbers(self) -> dict[str, int]:
        """How many articles are published at each time: powers of two, so that a day's sum tells which it counts."""
        return {published: 1 << index for index, published in enumerate(self.news)}

    def regions_file(self, folder: Path) -> Path:
        """The region R of this calendar and rule."""
        file = folder / "regions.toml"
        file.write_text(
            f'[regions.R]\ncalendar = "{self.calendar}"\ninstruments = ["I"]\nnews_day = "{self.news_day}"\n'
        )
        return file

    def counted(self, day: str) -> int:
        """How many articles must count on a day."""
        return sum(self.numbers[published] for published, counts_on in self.news.items() if counts_on == day)


TIMELINES = {
    "a holiday, a half-day and a weekend": Timeline(
        "XNYS",
        {"2008-11-26": "2008-11-26T21:00", "2008-11-28": "2008-11-28T18:00", "2008-12-01": "2008-12-01T21:00"},
        {
            "2008-11-26T21:00": "2008-11-26",
            "2008-11-27T15:00": "2008-11-28",  # Thanksgiving
            "2008-11-28T18:00": "2008-11-28",
            "2008-11-28T18:00:00.000001": "2008-12-01",  # the usual close is three hours away
            "2008-11-29T12:00": "2008-12-01",
            "2008-12-01T21:00:00.000001": None,
        },
    ),
    "New York moves its clocks while London does not": Timeline(
        "XNYS",
        {"2008-03-07": "2008-03-07T21:00", "2008-03-10": "2008-03-10T20:00"},
        {
            "2008-03-07T20:30": "2008-03-07",
            "2008-03-09T07:00": "2008-03-10",  # the hour that there is not
            "2008-03-10T20:00": "2008-03-10",
            "2008-03-10T20:30": None,
        },
    ),
    "clocks are put back, and an hour comes twice": Timeline(
        "XLON",
        {"2008-10-24": "2008-10-24T15:30", "2008-10-27": "2008-10-27T16:30"},
        {
            "2008-10-24T15:30:00.000001": "2008-10-27",
            "2008-10-26T00:30": "2008-10-27",
            "2008-10-26T01:30": "2008-10-27",
            "2008-10-27T16:00": "2008-10-27",
        },
    ),
    "a leap day": Timeline(
        "XNYS",
        {"2008-02-28": "2008-02-28T21:00", "2008-02-29": "2008-02-29T21:00", "2008-03-03": "2008-03-03T21:00"},
        {"2008-02-29T12:00": "2008-02-29", "2008-02-29T23:00": "2008-03-03", "2008-03-01T00:00": "2008-03-03"},
    ),
    "ten days of holidays": Timeline(
        "XTKS",
        {"2019-04-26": "2019-04-26T06:00", "2019-05-07": "2019-05-07T06:00"},
        {"2019-04-26T06:00:01": "2019-05-07", "2019-05-01T00:00": "2019-05-07", "2019-05-07T06:00": "2019-05-07"},
    ),
    "a session that opens on the day before, in UTC": Timeline(
        "XASX",
        {"2008-10-03": "2008-10-03T06:00", "2008-10-06": "2008-10-06T05:00"},
        {
            "2008-10-02T23:30": "2008-10-03",
            "2008-10-05T23:30": "2008-10-06",  # Monday morning in Sydney
            "2008-10-06T05:30": None,
        },
    ),
    "a half-day that closes on the day before, in UTC": Timeline(
        "XNZE",
        {"2020-12-23": "2020-12-23T03:45", "2020-12-24": "2020-12-23T23:45", "2020-12-29": "2020-12-29T03:45"},
        {
            "2020-12-23T03:45": "2020-12-23",
            "2020-12-23T23:45": "2020-12-24",
            "2020-12-23T23:50": "2020-12-29",
            "2020-12-24T01:00": "2020-12-29",
        },
    ),
    "a session of 23 hours across midnight": Timeline(
        "CMES",
        {"2008-03-07": "2008-03-07T23:00", "2008-03-10": "2008-03-10T22:00"},
        {"2008-03-06T23:30": "2008-03-07", "2008-03-07T23:30": "2008-03-10", "2008-03-10T22:00:01": None},
    ),
    "trading round the clock": Timeline(
        "24/7",
        {"2008-12-25": "2008-12-26T00:00", "2008-12-26": "2008-12-27T00:00"},
        {
            "2008-12-25T00:00:00.000001": "2008-12-25",
            "2008-12-26T00:00": "2008-12-25",
            "2008-12-27T00:00": "2008-12-26",
        },
    ),
    "trading round the clock on weekdays": Timeline(
        "24/5",
        {"2008-09-12": "2008-09-13T00:00", "2008-09-15": "2008-09-16T00:00"},
        {"2008-09-13T00:00": "2008-09-12", "2008-09-14T12:00": "2008-09-15", "2008-09-16T00:00": "2008-09-15"},
    ),
    "news by its date in UTC": Timeline(
        "XNYS",
        {"2008-11-28": "2008-11-29T00:00", "2008-12-01": "2008-12-02T00:00"},
        {
            "2008-11-28T23:59:59.999999": "2008-11-28",
            "2008-11-29T00:00": None,
            "2008-11-30T12:00": None,
            "2008-12-01T00:00": "2008-12-01",
            "2008-12-01T22:00": "2008-12-01",
        },
        news_day="utc_date",
    ),
    "news by its date in UTC, of a session that is over before its date begins": Timeline(
        "XNZE",
        {"2020-12-23": "2020-12-24T00:00", "2020-12-24": "2020-12-25T00:00"},
        {"2020-12-23T23:50": "2020-12-23", "2020-12-24T00:00": "2020-12-24", "2020-12-24T23:00": "2020-12-24"},
        news_day="utc_date",
    ),
}


@pytest.mark.parametrize("name", TIMELINES)
async def test_each_day_closes_at_its_own_time_with_its_own_news_also_if_that_comes_late_and_none_from_after_it(
    place: Place, model: QuickModel, tmp_path: Path, seed: int, name: str
) -> None:
    line = TIMELINES[name]
    regions = line.regions_file(tmp_path)
    closes = [utc(instant) for instant in line.closes.values()]
    clock = FixedClock(closes[0] - SECOND)
    async with (
        place.pipeline(clock=clock, regions=regions, window_days=WINDOW_DAYS, amend_interval_seconds=0) as path,
        stepping(path, model) as steps,
    ):
        async with transaction(path.services.pool) as conn:
            await go_live(conn, ["R"], clock.now())
        sent: list[PriceClose | NewsArticle] = [
            *[close("I", day, 100.0) for day in every_day(line.days)],
            *news_of(line),
        ]
        await path.send(*random.Random(seed).sample(sent, len(sent)))
        await steps.apply()
        for number, due in enumerate(closes):
            for now, count in ((due + GRACE - SECOND, number), (due + GRACE, number + 1)):
                clock.time = now
                await steps.close_and_compute()
                assert await closed(path) == line.days[:count], now
        contexts = await path.revisions("R", *line.days)
        assert [context.closed_at for context in contexts] == [due + GRACE for due in closes]
        assert [context.revision for context in contexts] == [1] * len(closes)
        assert {str(context.as_of): context.articles for context in contexts} == {
            day: line.counted(day) for day in line.closes
        }
        assert await path.value("SELECT count(*) FROM late_marks") == 0
        await late_news(path, steps, line)


async def late_news(path: Pipeline, steps: Steps, line: Timeline) -> None:
    """An article of each time comes when all days are closed: it revises the day it counts on and no other."""
    for published, day in line.news.items():
        before = await newest_counts(path, line)
        await path.send(article(f"late {published}", utc(published), f"Late news of {published}."))
        await steps.apply()
        await steps.close_and_compute()
        await steps.close_and_compute()
        after = await newest_counts(path, line)
        revised = {day: after[day] - before[day] for day in after if after[day] != before[day]}
        assert revised == ({} if day is None else {day: 1}), published


async def newest_counts(path: Pipeline, line: Timeline) -> dict[str, int]:
    """How many articles each day's newest revision counts."""
    return {str(context.as_of): context.articles for context in await path.revisions("R", *line.days)}


def every_day(days: Sequence[dt.date]) -> list[dt.date]:
    """From a few days before the first to the last, so that each has a price and a whole window before it."""
    first = days[0] - dt.timedelta(days=WINDOW_DAYS)
    return [first + dt.timedelta(days=more) for more in range((days[-1] - first).days + 1)]


def news_of(line: Timeline) -> list[NewsArticle]:
    """The articles, so many at each time."""
    return [
        article(f"{published} {number}", utc(published), f"News {number} of {published}.")
        for published, count in line.numbers.items()
        for number in range(count)
    ]


async def closed(path: Pipeline) -> Sequence[dt.date]:
    """The days that have a trigger, in the order in which they stand in the log."""
    rows = await path.fetch("SELECT as_of FROM day_triggers ORDER BY log_timestamp_ms, log_partition, log_offset")
    return [row["as_of"] for row in rows]
