"""A day that can have no vector says why, and gets one as soon as it can."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np

from schemas import JointRegimeContext, NewsArticle, PriceClose
from stream_app.clock import FixedClock
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOON = dt.datetime(2008, 9, 15, 16, 0, tzinfo=dt.UTC)
CLOSED_AT = dt.datetime(2008, 9, 15, 20, 15, tzinfo=dt.UTC)
WINDOW_DAYS = 5
ENOUGH_ROWS = 4
DEADLINE_HOURS = 12.0
PRICES = [close("SPX.US", day, 1200.0 + day.day) for day in weekdays(DAY, WINDOW_DAYS + 1)]
NEWS = article("a1", NOON, "A bank fails.")


@asynccontextmanager
async def after_the_close(
    place: Place, model: QuickModel, *records: PriceClose | NewsArticle, prices: Sequence[PriceClose] = ()
) -> AsyncIterator[tuple[Pipeline, Steps, FixedClock]]:
    """A day that closed with these records, a minute after its close and grace."""
    clock = FixedClock(CLOSED_AT + dt.timedelta(minutes=1))
    async with (
        place.pipeline(clock=clock, window_days=WINDOW_DAYS, price_deadline_hours=DEADLINE_HOURS) as path,
        stepping(path, model) as steps,
    ):
        await path.send(*prices, *records)
        await steps.apply()
        await path.close("US", DAY)
        await steps.compute()
        yield path, steps, clock


async def newest(path: Pipeline) -> JointRegimeContext:
    """The day's last revision."""
    return (await path.revisions("US", DAY))[-1]


def said(context: JointRegimeContext) -> tuple[int, str | None, bool, bool]:
    """Revision, reason, whether it is stale, whether it has a vector."""
    return context.revision, context.absent_reason, context.stale, context.vector is not None


async def test_a_region_without_news_records_why_and_publishes_it(place: Place, model: QuickModel) -> None:
    async with after_the_close(place, model, prices=PRICES) as (path, steps, _):
        context = await newest(path)
        assert said(context) == (1, "no-news", False, False)
        assert (context.articles, context.regime_label) == (0, "NEUTRAL")
        assert await path.contexts() == [context]
        assert await path.value("SELECT count(*) FROM regimes") == 1
        assert await path.value("SELECT count(*) FROM joint_embeddings") == 0
        await path.send(NEWS)
        await steps.apply()
        await steps.close_and_compute()
        assert said(await newest(path)) == (2, None, False, True)
        assert await path.value("SELECT count(*) FROM joint_embeddings") == 1


async def test_fewer_rows_than_a_window_needs_are_the_reason_until_there_are_enough(
    place: Place, model: QuickModel
) -> None:
    async with after_the_close(place, model, NEWS, prices=PRICES[-ENOUGH_ROWS + 1 :]) as (path, steps, _):
        context = await newest(path)
        assert said(context) == (1, "insufficient-prices", False, False)
        assert (context.instruments, context.regime_label) == ((), None)
        await path.send(PRICES[-ENOUGH_ROWS])
        await steps.apply()
        await steps.close_and_compute()
        context = await newest(path)
        assert said(context) == (2, None, False, True)
        assert context.instruments[0].rows == ENOUGH_ROWS


async def test_a_day_without_its_price_waits_for_it_and_the_late_price_amends_it(
    place: Place, model: QuickModel
) -> None:
    async with after_the_close(place, model, NEWS, prices=PRICES[:-1]) as (path, steps, clock):
        assert said(await newest(path)) == (1, "no-price", True, False)
        clock.time += dt.timedelta(hours=DEADLINE_HOURS / 2)
        await steps.close_and_compute()
        assert await path.value("SELECT count(*) FROM day_triggers") == 1
        await path.send(PRICES[-1])
        await steps.apply()
        await steps.close_and_compute()
        context = await newest(path)
        assert said(context) == (2, None, False, True)
        assert context.numeric_last_date == DAY
        clock.time += dt.timedelta(hours=DEADLINE_HOURS)
        await steps.close_and_compute()
        assert await path.value("SELECT count(*) FROM day_triggers") == 2


async def test_a_day_still_without_its_price_at_the_deadline_gets_the_last_one_marked_stale_once(
    place: Place, model: QuickModel
) -> None:
    async with after_the_close(place, model, NEWS, prices=PRICES[:-1]) as (path, steps, clock):
        clock.time = CLOSED_AT + dt.timedelta(hours=DEADLINE_HOURS, minutes=-1)
        await steps.close_and_compute()
        assert said(await newest(path)) == (1, "no-price", True, False)
        clock.time = CLOSED_AT + dt.timedelta(hours=DEADLINE_HOURS)
        for _ in range(3):
            await steps.close_and_compute()
        context = await newest(path)
        assert said(context) == (2, None, True, True)
        assert context.numeric_last_date == PRICES[-2].trade_date
        assert await path.value("SELECT count(*) FROM day_triggers") == 2
        clock.time += dt.timedelta(hours=1)
        await path.send(PRICES[-1])
        await steps.apply()
        await steps.close_and_compute()
        context = await newest(path)
        assert said(context) == (3, None, False, True)
        assert context.numeric_last_date == DAY


async def test_a_price_taken_back_after_the_deadline_leaves_a_stale_context(place: Place, model: QuickModel) -> None:
    async with after_the_close(place, model, NEWS, prices=PRICES) as (path, steps, clock):
        assert said(await newest(path)) == (1, None, False, True)
        clock.time = CLOSED_AT + dt.timedelta(hours=DEADLINE_HOURS, seconds=1)
        await path.send(PriceClose(instrument_id="SPX.US", trade_date=DAY, retracted=True))
        await steps.apply()
        await steps.close_and_compute()
        assert said(await newest(path)) == (2, None, True, True)


async def test_a_region_that_never_had_a_price_says_no_price_and_is_not_amended_over_and_over(
    place: Place, model: QuickModel
) -> None:
    async with after_the_close(place, model, NEWS) as (path, steps, clock):
        clock.time = CLOSED_AT + dt.timedelta(hours=DEADLINE_HOURS)
        for _ in range(3):
            await steps.close_and_compute()
            clock.time += dt.timedelta(hours=1)
        assert said(await newest(path))[1] == "no-price"
        assert await path.value("SELECT count(*) FROM day_triggers") == 2


async def test_a_day_closed_long_after_its_deadline_is_stale_from_the_start(place: Place, model: QuickModel) -> None:
    clock = FixedClock(CLOSED_AT + dt.timedelta(days=30))
    async with place.pipeline(clock=clock, window_days=WINDOW_DAYS) as path, stepping(path, model) as steps:
        await path.send(*PRICES[:-1], NEWS)
        await steps.apply()
        await path.close("US", DAY)
        await steps.compute()
        context = await newest(path)
        assert said(context) == (1, None, True, True)
        assert context.vector is not None
        assert np.isfinite(context.vector.numpy()).all()
