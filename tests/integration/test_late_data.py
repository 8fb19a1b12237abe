"""Late data makes a new revision of just the days it touches, and of those only if their inputs changed."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from schemas import NewsArticle, PriceClose
from stream_app.clock import FixedClock
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

THURSDAY, FRIDAY, MONDAY = DAYS = (dt.date(2008, 9, 11), dt.date(2008, 9, 12), dt.date(2008, 9, 15))
WINDOW_DAYS = 5
AMEND_SECONDS = 60.0
HOUR = dt.timedelta(hours=1)


def noon(day: dt.date) -> dt.datetime:
    """Noon UTC, before the close in New York."""
    return dt.datetime.combine(day, dt.time(12), dt.UTC)


@asynccontextmanager
async def closed_days(place: Place, model: QuickModel) -> AsyncIterator[tuple[Pipeline, Steps, FixedClock]]:
    """Three closed days, each with a price and two articles, each at its first revision."""
    clock = FixedClock(dt.datetime(2008, 9, 15, 21, 0, tzinfo=dt.UTC))
    async with (
        place.pipeline(clock=clock, window_days=WINDOW_DAYS, amend_interval_seconds=AMEND_SECONDS) as path,
        stepping(path, model) as steps,
    ):
        await path.send(*[close("SPX.US", day, 1200.0 + day.day) for day in weekdays(MONDAY, 8)])
        await path.send(*[article(f"{day}-{n}", noon(day), f"News {n} of {day}.") for day in DAYS for n in (1, 2)])
        await steps.apply()
        await path.close("US", *DAYS)
        await steps.compute()
        assert await last_revisions(path) == {THURSDAY: 1, FRIDAY: 1, MONDAY: 1}
        yield path, steps, clock


async def last_revisions(path: Pipeline) -> dict[dt.date, int]:
    """The newest revision of each day."""
    return {context.as_of: context.revision for context in await path.revisions("US", *DAYS)}


async def amended(path: Pipeline) -> set[dt.date]:
    """The days that have an amendment, whether it made a revision or not."""
    return {row["as_of"] for row in await path.fetch("SELECT as_of FROM day_triggers WHERE number > 1")}


async def take_up(steps: Steps) -> None:
    """Apply what was sent, and let the closer look twice."""
    await steps.apply()
    await steps.close_and_compute()
    await steps.close_and_compute()


async def articles_of(path: Pipeline, day: dt.date) -> list[int]:
    """How many articles each revision of a day counts."""
    return [context.articles for context in await path.revisions("US", day)]


async def test_late_news_revises_its_own_day_alone(place: Place, model: QuickModel) -> None:
    async with closed_days(place, model) as (path, steps, _):
        await path.send(article("late", noon(FRIDAY), "Late news."))
        await take_up(steps)
        assert await last_revisions(path) == {THURSDAY: 1, FRIDAY: 2, MONDAY: 1}
        assert await amended(path) == {FRIDAY}
        assert await articles_of(path, FRIDAY) == [2, 3]


async def test_a_repeated_record_amends_its_days_and_makes_no_revision(place: Place, model: QuickModel) -> None:
    async with closed_days(place, model) as (path, steps, _):
        await path.send(article(f"{FRIDAY}-1", noon(FRIDAY), f"News 1 of {FRIDAY}."))
        await path.send(close("SPX.US", FRIDAY, 1212.0))
        await take_up(steps)
        assert await amended(path) == {FRIDAY, MONDAY}
        assert await path.value("SELECT count(*) FROM day_triggers WHERE NOT computed") == 0
        assert await last_revisions(path) == {THURSDAY: 1, FRIDAY: 1, MONDAY: 1}
        assert len(await path.contexts()) == 3


async def test_a_retracted_article_leaves_its_day(place: Place, model: QuickModel) -> None:
    async with closed_days(place, model) as (path, steps, _):
        await path.send(NewsArticle(article_id=f"{FRIDAY}-1", retracted=True))
        await take_up(steps)
        assert await last_revisions(path) == {THURSDAY: 1, FRIDAY: 2, MONDAY: 1}
        assert await articles_of(path, FRIDAY) == [2, 1]
        assert await path.value("SELECT count(*) FROM text_embeddings") == 5


async def test_a_day_that_loses_all_its_news_says_so_and_leaves_the_joint_embeddings(
    place: Place, model: QuickModel
) -> None:
    async with closed_days(place, model) as (path, steps, _):
        await path.send(*[NewsArticle(article_id=f"{FRIDAY}-{n}", retracted=True) for n in (1, 2)])
        await take_up(steps)
        newest = (await path.revisions("US", FRIDAY))[-1]
        assert (newest.revision, newest.vector, newest.absent_reason) == (2, None, "no-news")
        shown = await path.fetch("SELECT as_of_date FROM joint_embeddings ORDER BY as_of_date")
        assert [row["as_of_date"] for row in shown] == [THURSDAY, MONDAY]


@pytest.mark.parametrize("body", [None, "And a body."])
async def test_an_article_that_moves_to_another_day_revises_both(
    place: Place, model: QuickModel, body: str | None
) -> None:
    async with closed_days(place, model) as (path, steps, _):
        await path.send(article(f"{THURSDAY}-1", noon(MONDAY), f"News 1 of {THURSDAY}.", body=body))
        await take_up(steps)
        assert await last_revisions(path) == {THURSDAY: 2, FRIDAY: 1, MONDAY: 2}
        assert (await articles_of(path, THURSDAY), await articles_of(path, MONDAY)) == ([2, 1], [2, 3])


async def test_an_article_that_turns_out_to_be_in_another_language_leaves_its_day(
    place: Place, model: QuickModel
) -> None:
    async with closed_days(place, model) as (path, steps, _):
        await path.send(article(f"{FRIDAY}-1", noon(FRIDAY), f"News 1 of {FRIDAY}.", language="de"))
        await take_up(steps)
        assert await articles_of(path, FRIDAY) == [2, 1]


async def test_several_late_records_within_the_interval_make_one_revision_at_its_end(
    place: Place, model: QuickModel
) -> None:
    async with closed_days(place, model) as (path, steps, clock):
        await path.send(article("late-1", noon(FRIDAY), "The first late news."))
        await take_up(steps)
        assert await articles_of(path, FRIDAY) == [2, 3]
        for number in (2, 3, 4):
            clock.time += dt.timedelta(seconds=AMEND_SECONDS / 4)
            await path.send(article(f"late-{number}", noon(FRIDAY), f"Late news {number}."))
            await take_up(steps)
            assert await path.value("SELECT count(*) FROM late_marks") > 0
            assert await articles_of(path, FRIDAY) == [2, 3]
        clock.time += dt.timedelta(seconds=AMEND_SECONDS / 4)
        await take_up(steps)
        assert await articles_of(path, FRIDAY) == [2, 3, 6]
        assert await path.value("SELECT count(*) FROM late_marks") == 0


async def test_an_amendment_made_while_the_close_still_waits_is_computed_after_it(
    place: Place, model: QuickModel
) -> None:
    tuesday = dt.date(2008, 9, 16)
    async with closed_days(place, model) as (path, steps, clock):
        clock.time += 24 * HOUR
        await path.send(close("SPX.US", tuesday, 1213.6), article("n", noon(tuesday), "It goes on."))
        await path.close("US", tuesday)
        await path.send(article("late", noon(tuesday), "Late news."))
        await steps.apply(steps.news, steps.triggers)
        await steps.closer.run_once()
        await steps.compute()
        waiting = await path.fetch("SELECT number FROM day_triggers WHERE NOT computed ORDER BY number")
        assert [row["number"] for row in waiting] == [1, 2]
        await steps.apply(steps.prices)
        await steps.compute()
        assert await articles_of(path, tuesday) == [1, 2]


LONG_WINDOW = 63
ROWS = weekdays(MONDAY, 130)
CHANGED = 60
CORRECTED = close("SPX.US", ROWS[CHANGED], 999.0)
RETRACTED = PriceClose(instrument_id="SPX.US", trade_date=ROWS[CHANGED], retracted=True)


@pytest.mark.parametrize(
    ("before", "late"),
    [(ROWS, CORRECTED), (ROWS, RETRACTED), ([day for day in ROWS if day != ROWS[CHANGED]], CORRECTED)],
    ids=["corrected", "retracted", "inserted"],
)
async def test_a_late_close_revises_the_days_whose_63_rows_hold_it_and_not_the_days_beside_them(
    place: Place, model: QuickModel, before: list[dt.date], late: PriceClose
) -> None:
    inside = {ROWS[CHANGED], ROWS[CHANGED + 30], ROWS[CHANGED + LONG_WINDOW - 1]}
    outside = {ROWS[CHANGED - 1], ROWS[CHANGED + LONG_WINDOW]}
    days = sorted(inside | outside)
    async with place.pipeline(window_days=LONG_WINDOW) as path, stepping(path, model) as steps:
        await path.send(*[close("SPX.US", day, 1000.0 + index) for index, day in enumerate(before)])
        await path.send(*[article(str(day), noon(day), f"News of {day}.") for day in days])
        await steps.apply()
        await path.close("US", *days)
        await steps.compute()
        assert len(await path.revisions("US", *days)) == len(days)
        await path.send(late)
        await take_up(steps)
        assert await amended(path) == inside
        revised = {context.as_of for context in await path.revisions("US", *days) if context.revision > 1}
        assert revised == inside
