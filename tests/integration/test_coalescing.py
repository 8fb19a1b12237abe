"""What touches a day again and again makes one revision once it has come to rest, or at the interval."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stream_app.clock import FixedClock
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOON = dt.datetime(2008, 9, 15, 16, tzinfo=dt.UTC)
SETTLE, INTERVAL = dt.timedelta(seconds=20), dt.timedelta(seconds=60)
SECOND = dt.timedelta(seconds=1)
OFTEN = dt.timedelta(seconds=15)
ROWS = weekdays(DAY, 8)


@asynccontextmanager
async def closed_day(place: Place, model: QuickModel) -> AsyncIterator[tuple[Pipeline, Steps, FixedClock]]:
    """A day at its first revision, with prices and an article."""
    clock = FixedClock(dt.datetime(2008, 9, 15, 21, tzinfo=dt.UTC))
    settings = {"amend_settle_seconds": SETTLE.seconds, "amend_interval_seconds": INTERVAL.seconds, "window_days": 5}
    async with place.pipeline(clock=clock, **settings) as path, stepping(path, model) as steps:
        await path.send(*[close("SPX.US", day, 1200.0 + day.day) for day in ROWS], article("a", NOON, "A bank fails."))
        await steps.apply()
        await path.close("US", DAY)
        await steps.compute()
        yield path, steps, clock


async def revised(path: Pipeline, steps: Steps) -> int:
    """The day's last revision after a pass of the closer and what follows."""
    await steps.close_and_compute()
    await steps.close_and_compute()
    return (await path.revisions("US", DAY))[-1].revision


async def test_a_day_is_amended_once_nothing_has_touched_it_for_the_settle_time(
    place: Place, model: QuickModel
) -> None:
    async with closed_day(place, model) as (path, steps, clock):
        for number in range(3):
            await path.send(
                close("SPX.US", ROWS[-1 - number], 900.0), article(f"late {number}", NOON, f"Late {number}.")
            )
            await steps.apply()
            assert await revised(path, steps) == 1
            clock.time += SETTLE - SECOND
            assert await revised(path, steps) == 1
        clock.time += SECOND
        assert await revised(path, steps) == 2
        assert (await path.revisions("US", DAY))[-1].articles == 4
        assert await path.value("SELECT count(*) FROM late_marks") == 0


async def test_a_day_that_is_touched_without_end_is_amended_at_the_interval_all_the_same(
    place: Place, model: QuickModel
) -> None:
    async with closed_day(place, model) as (path, steps, clock):
        began = clock.time
        amended: list[dt.timedelta] = []
        for number in range(10):
            await path.send(article(f"late {number}", NOON, f"Late {number}."))
            await steps.apply()
            if await revised(path, steps) > 1 + len(amended):
                amended.append(clock.time - began)
            clock.time += OFTEN
        assert amended == [INTERVAL, INTERVAL + OFTEN + INTERVAL], "an interval after the first mark that was left"


async def test_records_that_are_in_the_log_and_not_yet_applied_hold_an_amendment_up_for_no_longer_than_the_interval(
    place: Place, model: QuickModel
) -> None:
    async with closed_day(place, model) as (path, steps, clock):
        await path.send(close("SPX.US", ROWS[-2], 900.0))
        await steps.apply()
        await path.send(close("SPX.US", ROWS[-3], 900.0))
        clock.time += INTERVAL - SECOND
        assert await revised(path, steps) == 1
        await steps.apply()
        clock.time += SECOND - SECOND / 2
        assert await revised(path, steps) == 1, "the second has touched the day just now"
        await path.send(close("SPX.US", ROWS[-4], 900.0))
        clock.time += SECOND / 2
        await steps.closer.run_once()
        assert await path.value("SELECT count(*) FROM day_triggers WHERE number = 2") == 1
        await steps.apply()
        assert await revised(path, steps) == 2
        assert await path.value("SELECT count(*) FROM late_marks") == 0, "the third was below the amendment's cut"


async def test_records_of_a_partition_that_has_not_touched_the_day_hold_nothing_up(
    place: Place, model: QuickModel
) -> None:
    async with closed_day(place, model) as (path, steps, clock):
        await path.send(article("late", NOON, "Late."))
        await steps.apply()
        await path.send(close("SPX.US", ROWS[-1], 900.0))
        clock.time += SETTLE
        await steps.closer.run_once()
        assert await path.value("SELECT count(*) FROM day_triggers WHERE number = 2") == 1
