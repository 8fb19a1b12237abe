"""A price or an article that is taken back revises what it touched, and nothing else; what comes again counts again."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from schemas import JointRegimeContext, NewsArticle, PriceClose
from stream_app.clock import FixedClock
from stream_app.kafka.chunks import Chunk
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

THURSDAY, FRIDAY, MONDAY = DAYS = (dt.date(2008, 9, 11), dt.date(2008, 9, 12), dt.date(2008, 9, 15))
AN_HOUR_AFTER_THE_CLOSE = dt.datetime(2008, 9, 15, 21, 15, tzinfo=dt.UTC)
WINDOW_DAYS = 5
ROWS = weekdays(MONDAY, 8)
ADMITTED = "SELECT close FROM prices_daily WHERE instrument_id = 'SPX.US' AND NOT retracted ORDER BY trade_date"


def price(day: dt.date) -> PriceClose:
    """The day's close."""
    return close("SPX.US", day, 1200.0 + day.day)


def without_price(day: dt.date, instrument_id: str = "SPX.US") -> PriceClose:
    """The day's close is taken back."""
    return PriceClose(instrument_id=instrument_id, trade_date=day, retracted=True)


def news(day: dt.date) -> NewsArticle:
    """The day's only article."""
    return article(f"of {day}", dt.datetime.combine(day, dt.time(12), dt.UTC), f"News of {day}.")


@asynccontextmanager
async def closed_days(place: Place, model: QuickModel) -> AsyncIterator[tuple[Pipeline, Steps]]:
    """Three days, each with a price and an article; the last has closed an hour ago, so it waits for its price."""
    clock = FixedClock(AN_HOUR_AFTER_THE_CLOSE)
    async with (
        place.pipeline(clock=clock, window_days=WINDOW_DAYS, amend_interval_seconds=0) as path,
        stepping(path, model) as steps,
    ):
        await path.send(*map(price, ROWS), *map(news, DAYS))
        await steps.apply()
        await path.close("US", *DAYS)
        await steps.compute()
        assert [c.revision for day in DAYS for c in await path.revisions("US", day)] == [1, 1, 1]
        yield path, steps


async def take_up(path: Pipeline, steps: Steps, *records: PriceClose | NewsArticle) -> None:
    """Apply records, and amend what they touch until nothing waits."""
    await path.send(*records)
    await steps.apply()
    for _ in range(2):
        await steps.close_and_compute()
    assert await path.value("SELECT count(*) FROM late_marks") == 0


async def newest(path: Pipeline) -> dict[dt.date, JointRegimeContext]:
    """Each day's last revision."""
    return {context.as_of: context for context in await path.revisions("US", *DAYS)}


async def revisions(path: Pipeline) -> list[int]:
    """The number of each day's last revision."""
    found = await newest(path)
    return [found[day].revision for day in DAYS]


async def test_a_price_taken_back_revises_every_day_whose_window_held_it(place: Place, model: QuickModel) -> None:
    async with closed_days(place, model) as (path, steps):
        await take_up(path, steps, without_price(THURSDAY))
        assert await revisions(path) == [2, 2, 2]
        thursday = (await newest(path))[THURSDAY]
        assert (thursday.stale, thursday.numeric_last_date) == (True, ROWS[-4]), "long closed, it stands on older rows"
        await take_up(path, steps, without_price(ROWS[0]))
        assert await revisions(path) == [3, 2, 2], "only the window of Thursday reaches back to the first row"


async def test_the_day_of_a_price_taken_back_becomes_absent_and_comes_back_with_it(
    place: Place, model: QuickModel
) -> None:
    async with closed_days(place, model) as (path, steps):
        await take_up(path, steps, without_price(MONDAY))
        monday = (await newest(path))[MONDAY]
        assert (monday.revision, monday.absent_reason, monday.vector) == (2, "no-price", None)
        assert await revisions(path) == [1, 1, 2]
        shown = "SELECT (SELECT count(*) FROM joint_embeddings WHERE as_of_date = $1), count(*) FROM regimes"
        assert [tuple(row) for row in await path.fetch(f"{shown} WHERE as_of_date = $1", MONDAY)] == [(0, 0)]
        assert MONDAY not in {row[0] for row in await path.fetch("SELECT as_of_date FROM numeric_window_embeddings")}
        await take_up(path, steps, price(MONDAY))
        first, _, third = await path.revisions("US", MONDAY)
        assert (third.revision, third.inputs_hash, third.vector) == (3, first.inputs_hash, first.vector)
        assert [tuple(row) for row in await path.fetch(f"{shown} WHERE as_of_date = $1", MONDAY)] == [(1, 1)]


async def test_an_article_taken_back_and_sent_again_gives_the_day_its_first_inputs_back(
    place: Place, model: QuickModel
) -> None:
    async with closed_days(place, model) as (path, steps):
        await take_up(path, steps, NewsArticle(article_id=f"of {FRIDAY}", retracted=True))
        assert await revisions(path) == [1, 2, 1]
        assert (await newest(path))[FRIDAY].absent_reason == "no-news"
        encoded = len(model.encoded)
        await take_up(path, steps, news(FRIDAY))
        first, _, third = await path.revisions("US", FRIDAY)
        assert (third.inputs_hash, third.vector) == (first.inputs_hash, first.vector)
        assert len(model.encoded) == encoded, "its text has a vector already"
        assert len(await path.contexts()) == 5


async def test_taking_back_what_was_never_there_changes_no_context_and_what_comes_later_counts(
    place: Place, model: QuickModel
) -> None:
    async with closed_days(place, model) as (path, steps):
        saturday, before = dt.date(2008, 9, 13), await path.fetch(ADMITTED)
        never: list[PriceClose | NewsArticle] = [
            without_price(saturday),
            without_price(MONDAY, "OTHER"),
            NewsArticle(article_id="never", retracted=True),
        ]
        await take_up(path, steps, *never)
        await take_up(path, steps, *never)
        assert await revisions(path) == [1, 1, 1]
        assert len(await path.contexts()) == 3
        assert await path.fetch(ADMITTED) == before
        assert await path.value("SELECT count(*) FROM dead_letters") == 0
        noon = dt.datetime.combine(FRIDAY, dt.time(12), dt.UTC)
        await take_up(path, steps, price(saturday), article("never", noon, "Now it is."))
        assert await revisions(path) == [1, 2, 2]
        assert (await newest(path))[FRIDAY].articles == 2


async def test_a_record_that_was_taken_back_before_it_is_applied_stays_taken_back(
    place: Place, model: QuickModel
) -> None:
    async with closed_days(place, model) as (path, steps):
        corrected = close("SPX.US", FRIDAY, 999.0)
        moved = article(f"of {FRIDAY}", dt.datetime.combine(FRIDAY, dt.time(13), dt.UTC), "Corrected.")
        await path.send_to(0, corrected, moved)
        await path.send_to(1, without_price(FRIDAY), NewsArticle(article_id=moved.article_id, retracted=True))
        for stage in (steps.prices, steps.news):
            chunks: list[Chunk] = [chunk async for chunk in steps.chunks(stage)]
            for chunk in sorted(chunks, key=lambda chunk: chunk.partition, reverse=True):
                await stage.handle(chunk)
        assert 999.0 not in {row[0] for row in await path.fetch(ADMITTED)}
        for _ in range(2):
            await steps.close_and_compute()
        friday = (await newest(path))[FRIDAY]
        assert (friday.absent_reason, friday.articles, friday.stale) == ("no-news", 0, True)
        kept = await path.value("SELECT count(*) FROM prices_history WHERE close = 999")
        assert kept == 1, "what was known is kept"
