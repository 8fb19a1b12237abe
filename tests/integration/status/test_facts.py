"""What a region is doing, what its closing day waits for, and how far the stages are behind, at each step of a day."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from schemas.topics import NEWS, PRICES
from stream_app.clock import FixedClock
from stream_app.status import stages as looking
from stream_app.status.facts import RegionFacts, RegionState, StageFacts, Waiting, WaitsFor
from stream_app.status.regions import region_facts
from stream_app.status.stages import stage_facts
from stream_app.store.database import transaction
from stream_app.store.progress import Behind
from stream_app.store.trigger_queue import go_live
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

FRIDAY, MONDAY, TUESDAY = dt.date(2008, 9, 12), dt.date(2008, 9, 15), dt.date(2008, 9, 16)
CLOSED_AT = dt.datetime(2008, 9, 15, 20, 15, tzinfo=dt.UTC)
A_MINUTE = dt.timedelta(minutes=1)
ARTICLE = article("a1", dt.datetime(2008, 9, 15, 16, 0, tzinfo=dt.UTC), "A bank fails.")
WINDOW_DAYS = 5
DEADLINE_HOURS = 12.0


@asynccontextmanager
async def during_monday(place: Place, model: QuickModel) -> AsyncIterator[tuple[Pipeline, Steps, FixedClock]]:
    """A worker that has run since Sunday, on Monday afternoon."""
    clock = FixedClock(dt.datetime(2008, 9, 14, 12, 0, tzinfo=dt.UTC))
    async with (
        place.pipeline(clock=clock, window_days=WINDOW_DAYS, price_deadline_hours=DEADLINE_HOURS) as path,
        stepping(path, model) as steps,
    ):
        async with transaction(path.services.pool) as conn:
            await go_live(conn, ["US"], clock.now())
        await steps.apply()
        clock.time = dt.datetime(2008, 9, 15, 16, 30, tzinfo=dt.UTC)
        yield path, steps, clock


async def of_us(path: Pipeline) -> RegionFacts:
    """What the United States are doing."""
    (found,) = [each for each in await region_facts(path.services) if each.region == "US"]
    return found


async def of_stage(path: Pipeline, name: str) -> StageFacts:
    """How far a stage is behind."""
    (found,) = [each for each in await stage_facts(path.services, path.endpoints.kafka) if each.stage == name]
    return found


def kind(facts: RegionFacts) -> tuple[RegionState, list[WaitsFor]]:
    """The state, and what is waited for."""
    return facts.state, [waiting.waits_for for waiting in facts.waiting]


async def test_a_day_goes_from_open_to_closed_and_each_step_says_what_it_waits_for(
    place: Place, model: QuickModel
) -> None:
    async with during_monday(place, model) as (path, steps, clock):
        facts = await of_us(path)
        assert kind(facts) == (RegionState.OPEN, [])
        assert (facts.next_day, facts.next_close, facts.last_closed) == (MONDAY, CLOSED_AT, None)

        clock.time = CLOSED_AT + A_MINUTE
        facts = await of_us(path)
        assert kind(facts) == (RegionState.CLOSING, [WaitsFor.CLOSER])
        assert facts.waiting == [Waiting(WaitsFor.CLOSER, MONDAY, None, 1, CLOSED_AT)]
        assert facts.next_day == TUESDAY

        await path.send_to(1, ARTICLE, *[close("SPX.US", day, 1200.0) for day in weekdays(MONDAY, WINDOW_DAYS)])
        await path.close("US", MONDAY)
        assert kind(await of_us(path)) == (RegionState.CLOSING, [WaitsFor.LOG])
        await steps.apply(steps.triggers)
        (waiting,) = (await of_us(path)).waiting
        assert (waiting.waits_for, waiting.as_of, waiting.number) == (WaitsFor.RECORDS, MONDAY, 1)
        assert waiting.behind == [Behind(NEWS.name, 1, 0, 1), Behind(PRICES.name, 1, 0, WINDOW_DAYS)]

        await steps.apply(steps.prices, steps.news)
        assert kind(await of_us(path)) == (RegionState.CLOSING, [WaitsFor.COMPUTING])
        await steps.compute()
        facts = await of_us(path)
        assert kind(facts) == (RegionState.CLOSED, [])
        assert facts.last_closed is not None
        assert (facts.last_closed.as_of, facts.last_closed.closed_at) == (MONDAY, CLOSED_AT)

        clock.time = dt.datetime(2008, 9, 16, 13, 30, tzinfo=dt.UTC)
        assert kind(await of_us(path)) == (RegionState.OPEN, []), "the next session begins at 13:30"


async def test_a_day_without_a_price_waits_for_one_until_the_deadline(place: Place, model: QuickModel) -> None:
    async with during_monday(place, model) as (path, steps, clock):
        clock.time = CLOSED_AT + A_MINUTE
        await path.send(ARTICLE, *[close("SPX.US", day, 1200.0) for day in weekdays(FRIDAY, WINDOW_DAYS)])
        await steps.apply()
        await path.close("US", MONDAY)
        await steps.compute()
        facts = await of_us(path)
        until = CLOSED_AT + dt.timedelta(hours=DEADLINE_HOURS)
        assert facts.waiting == [Waiting(WaitsFor.PRICE, MONDAY, 1, 1, CLOSED_AT, until)]
        assert facts.state is RegionState.CLOSING
        clock.time = until + A_MINUTE
        await steps.close_and_compute()
        assert kind(await of_us(path)) == (RegionState.CLOSED, [])


async def test_a_touched_day_is_to_be_amended(place: Place, model: QuickModel) -> None:
    async with during_monday(place, model) as (path, steps, clock):
        clock.time = CLOSED_AT + A_MINUTE
        await path.send(*[close("SPX.US", day, 1200.0) for day in weekdays(MONDAY, WINDOW_DAYS)])
        await steps.apply()
        await path.close("US", MONDAY)
        await steps.compute()
        assert (await of_us(path)).to_amend == 0
        await path.send(ARTICLE)
        await steps.apply()
        assert (await of_us(path)).to_amend == 1


async def test_the_lag_of_a_stage_is_what_its_topic_holds_and_it_has_not_applied(
    place: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with during_monday(place, model) as (path, steps, _):
        assert [stage.lag for stage in await stage_facts(path.services, path.endpoints.kafka)] == [0, 0, 0]
        await path.send_to(1, *[close("SPX.US", day, 1200.0) for day in weekdays(MONDAY, WINDOW_DAYS)])
        prices = await of_stage(path, "prices")
        assert (prices.topic, prices.members, prices.lag) == (PRICES.name, 0, WINDOW_DAYS)
        behind = prices.partitions[1]
        assert (behind.applied, behind.end, behind.lag) == (0, WINDOW_DAYS, WINDOW_DAYS)
        assert [each.oldest_at for each in prices.partitions] == [None, None], "it has only just come"

        monkeypatch.setattr(looking, "STILL_SECONDS", 0.0)
        first, *_ = await path.read(PRICES.name)
        oldest = [each.oldest_at for each in (await of_stage(path, "prices")).partitions]
        assert oldest == [None, dt.datetime.fromtimestamp(first.timestamp / 1000, dt.UTC)]

        await steps.apply(steps.prices)
        assert (await of_stage(path, "prices")).lag == 0


async def test_the_members_of_a_stage_are_the_processes_that_read(place: Place) -> None:
    async with place.pipeline() as path:
        path.start("prices")
        await path.send(close("SPX.US", MONDAY, 1200.0))
        await path.applied()
        assert (await of_stage(path, "prices")).members == 1
        assert (await of_stage(path, "news")).members == 0
