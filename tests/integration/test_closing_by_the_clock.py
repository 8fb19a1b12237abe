"""The timer closes the sessions that fall due since a region went live: by itself, once, in order, not too early."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest

from stream_app.clock import FixedClock
from stream_app.contexts.closer import Closer
from stream_app.regime.calendars import load_calendar
from stream_app.store.database import transaction
from stream_app.store.trigger_queue import go_live
from tests.integration.pipeline import Pipeline, Place, article, close, until, weekdays
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

FRIDAY, MONDAY, TUESDAY = dt.date(2008, 11, 28), dt.date(2008, 12, 1), dt.date(2008, 12, 2)
GRACE = dt.timedelta(minutes=15)
HALF_DAY_CLOSE = dt.datetime(2008, 11, 28, 18, 0, tzinfo=dt.UTC)
"""The day after Thanksgiving ends at 13:00 in New York."""
MONDAY_CLOSE = dt.datetime(2008, 12, 1, 21, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


async def closed(path: Pipeline, region: str = "US") -> list[dt.date]:
    """A region's closed days, in the order in which they stand in the log."""
    rows = await path.fetch(
        "SELECT as_of FROM day_triggers WHERE region = $1 AND number = 1 "
        "ORDER BY log_timestamp_ms, log_partition, log_offset",
        region,
    )
    return [row["as_of"] for row in rows]


async def live_since(path: Pipeline, now: dt.datetime) -> None:
    """The regions went live at this time."""
    async with transaction(path.services.pool) as conn:
        await go_live(conn, list(path.services.regions), now)


async def test_a_session_is_closed_when_its_close_and_grace_have_passed_and_not_before(
    place: Place, model: QuickModel
) -> None:
    clock = FixedClock(HALF_DAY_CLOSE - dt.timedelta(hours=1))
    async with place.pipeline(clock=clock) as path, stepping(path, model) as steps:
        await live_since(path, clock.now())
        for now, expected in [
            (HALF_DAY_CLOSE, []),
            (HALF_DAY_CLOSE + GRACE - SECOND, []),
            (HALF_DAY_CLOSE + GRACE, [FRIDAY]),
            (MONDAY_CLOSE + GRACE - SECOND, [FRIDAY]),
            (MONDAY_CLOSE + GRACE, [FRIDAY, MONDAY]),
        ]:
            clock.time = now
            await steps.close_and_compute()
            assert await closed(path) == expected
        revisions = await path.revisions("US", FRIDAY, MONDAY)
        assert [context.closed_at for context in revisions] == [HALF_DAY_CLOSE + GRACE, MONDAY_CLOSE + GRACE]


async def test_sessions_missed_while_nothing_ran_are_closed_oldest_first_and_none_from_before_the_region_went_live(
    place: Place, model: QuickModel
) -> None:
    clock = FixedClock(HALF_DAY_CLOSE + GRACE)
    async with place.pipeline(clock=clock) as path, stepping(path, model) as steps:
        await live_since(path, clock.now())
        await live_since(path, clock.now() - dt.timedelta(days=30))
        clock.time = dt.datetime(2008, 12, 3, 0, 0, tzinfo=dt.UTC)
        await steps.close_and_compute()
        assert await closed(path) == [MONDAY, TUESDAY]
        assert [context.as_of for context in await path.contexts() if context.region == "US"] == [MONDAY, TUESDAY]
        days = [FRIDAY + dt.timedelta(days=more) for more in range(1, 4)]
        assert await closed(path, "CRYPTO") == [FRIDAY, *days]


async def test_a_day_closed_by_hand_is_not_closed_again_by_the_timer(place: Place, model: QuickModel) -> None:
    clock = FixedClock(MONDAY_CLOSE - dt.timedelta(hours=1))
    async with place.pipeline(clock=clock) as path, stepping(path, model) as steps:
        await live_since(path, clock.now())
        clock.time = MONDAY_CLOSE + GRACE
        assert await path.close("US", MONDAY) == 1
        await steps.close_and_compute()
        assert await closed(path) == [MONDAY]
        assert await path.close("US", MONDAY) == 0


async def test_two_closers_at_once_close_each_session_once(place: Place, model: QuickModel) -> None:
    clock = FixedClock(HALF_DAY_CLOSE)
    async with (
        place.pipeline(clock=clock) as path,
        place.pipeline(clock=clock) as other,
        stepping(path, model) as steps,
    ):
        await live_since(path, clock.now())
        clock.time = dt.datetime(2008, 12, 3, 0, 0, tzinfo=dt.UTC)
        closers = [Closer(path.services), Closer(other.services)]
        await asyncio.gather(*[closer.run_once() for closer in closers for _ in range(3)])
        await steps.compute()
        assert await closed(path) == [FRIDAY, MONDAY, TUESDAY]
        keys = [record.value for record in await path.read("regions.day-closes")]
        assert len(keys) == len(set(keys)) == await path.value("SELECT count(*) FROM day_triggers")


async def test_no_closer_acts_before_it_knows_the_triggers_of_the_log(
    place: Place, emptied: Place, model: QuickModel
) -> None:
    clock = FixedClock(HALF_DAY_CLOSE)
    async with place.pipeline(clock=clock) as path, stepping(path, model) as steps:
        await live_since(path, clock.now())
        clock.time = MONDAY_CLOSE + GRACE
        await steps.close_and_compute()
        assert await closed(path) == [FRIDAY, MONDAY]
    async with emptied.pipeline(clock=clock) as path, stepping(path, model) as steps:
        await live_since(path, HALF_DAY_CLOSE)
        closer = Closer(path.services)
        await closer.run_once()
        assert await closed(path) == []
        await steps.apply(steps.triggers)
        await closer.run_once()
        assert await closed(path) == [FRIDAY, MONDAY]
        assert await path.value("SELECT bool_and(learnt) FROM day_triggers WHERE region = 'US'")


async def test_a_calendar_that_ends_stops_no_other_regions_closes(
    place: Place, model: QuickModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    regions = tmp_path / "regions.toml"
    regions.write_text(
        """
        [regions.CN]
        calendar = "XSHG"
        instruments = ["SSE.CN"]
        [regions.US]
        calendar = "XNYS"
        instruments = ["SPX.US"]
        """
    )
    shanghai, new_york = (load_calendar(name, dt.date(2035, 12, 31)) for name in ("XSHG", "XNYS"))
    end, after = shanghai.sessions[-1].item(), shanghai.sessions[-1].item() + dt.timedelta(days=6)
    clock = FixedClock(dt.datetime.combine(end, dt.time(5), dt.UTC))
    async with place.pipeline(clock=clock, regions=regions) as path, stepping(path, model) as steps:
        await live_since(path, clock.now())
        clock.time = dt.datetime.combine(after, dt.time(), dt.UTC)
        await steps.close_and_compute()
        await steps.close_and_compute()
        assert await closed(path, "CN") == [end]
        assert await closed(path, "US") == new_york.sessions_between(end, after - dt.timedelta(days=1))
    said = [record.getMessage() for record in caplog.records if "XSHG ends" in record.getMessage()]
    assert said == [f"calendar XSHG ends on {end}: its later sessions are not closed by the timer"]


async def test_a_live_pair_of_contexts_workers_closes_and_publishes_each_session_once(
    place: Place, model: QuickModel
) -> None:
    clock = FixedClock(MONDAY_CLOSE - dt.timedelta(hours=1))
    async with (
        place.pipeline(clock=clock, window_days=5, closer_poll_seconds=0.1) as first,
        place.pipeline(clock=clock, window_days=5, closer_poll_seconds=0.1) as second,
    ):
        first.start("prices", "news", "contexts")
        second.start("contexts")
        await first.send(*[close("SPX.US", day, 816.0) for day in weekdays(MONDAY, 5)])
        await first.send(article("a1", MONDAY_CLOSE - dt.timedelta(hours=2), "A recession is declared."))
        await first.applied()

        async def live() -> bool:
            count: int = await first.value("SELECT count(*) FROM regions WHERE live_since IS NOT NULL")
            return count == len(first.services.regions)

        await until(live, "the regions are live")
        clock.time = MONDAY_CLOSE + GRACE
        context = await first.revision("US", MONDAY)
        contexts = [found for found in await first.contexts() if found.region == "US"]
    assert (context.articles, context.absent_reason, context.stale) == (1, None, False)
    assert contexts == [context]
