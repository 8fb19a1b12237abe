"""A record that arrives while a day is being closed is in exactly one revision, wherever it falls between the steps."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from schemas import NewsArticle, PriceClose, TopicCut
from schemas.topics import NEWS
from stream_app.contexts.closing import closed_at, definition_of
from stream_app.contexts.cut import finish_triggers, read_cut
from stream_app.store import triggers
from stream_app.store.database import connection, transaction
from stream_app.store.triggers import NewTrigger
from tests.integration.pipeline import Pipeline, Place, article, close, until, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOON = dt.datetime(2008, 9, 15, 16, 0, tzinfo=dt.UTC)
WINDOW_DAYS = 5
LATE_ARTICLE = article("late", NOON, "A rescue is not coming.")
LATE_PRICE = close("SPX.US", DAY, 1192.7)
LATE = pytest.mark.parametrize("record", [LATE_ARTICLE, LATE_PRICE], ids=["article", "corrected-price"])


@asynccontextmanager
async def open_day(place: Place, model: QuickModel) -> AsyncIterator[tuple[Pipeline, Steps]]:
    """A day with prices and one article, all applied, ready to be closed."""
    async with (
        place.pipeline(window_days=WINDOW_DAYS) as path,
        stepping(path, model) as steps,
    ):
        prices = [close("SPX.US", day, 1250.0 + index) for index, day in enumerate(weekdays(DAY, WINDOW_DAYS))]
        await path.send(*prices, article("early", NOON, "A bank fails."))
        await steps.apply()
        yield path, steps


async def store_trigger(path: Pipeline) -> None:
    """The first step of closing: the trigger stands, without a cut."""
    region = path.services.regions["US"]
    due = closed_at(region, path.services.calendar(region.calendar), DAY)
    new = [NewTrigger(DAY, 1, due, allow_stale=False)]
    async with transaction(path.services.pool) as conn:
        await triggers.make(conn, "US", definition_of(region), new, path.services.clock.now())


async def give_cut(path: Pipeline, cut: dict[str, TopicCut]) -> None:
    """The last step before publishing: the trigger gets a cut."""
    async with connection(path.services.pool) as conn:
        without_cut = await triggers.without_cut(conn)
    assert len(without_cut) == 1
    async with transaction(path.services.pool) as conn:
        await triggers.give_cut(conn, without_cut, cut)


async def marks(path: Pipeline) -> int:
    """How many late marks stand."""
    count: int = await path.value("SELECT count(*) FROM late_marks")
    return count


async def settle(steps: Steps) -> None:
    """Apply everything and let the closer look as often as it could find something."""
    await steps.apply()
    await steps.compute()
    for _ in range(3):
        await steps.close_and_compute()


async def assert_in_revision(path: Pipeline, record: NewsArticle | PriceClose, number: int) -> None:
    """The record is in this revision, which is the last one, and not in those before it."""
    revisions = await path.revisions("US", DAY)
    assert len(revisions) == number
    if isinstance(record, NewsArticle):
        assert [context.articles for context in revisions] == [1, 2][-number:]
        return
    last_close = [float(context.vector.numpy()[3 * (WINDOW_DAYS - 1)]) for context in revisions if context.vector]
    assert len(last_close) == number
    old, new = 1250.0 + WINDOW_DAYS - 1, 1192.7
    assert last_close == pytest.approx([price / 2 for price in [old, new][-number:]], abs=1.0)


@LATE
async def test_a_record_applied_between_the_trigger_and_its_cut_is_in_the_first_revision(
    place: Place, model: QuickModel, record: NewsArticle | PriceClose
) -> None:
    async with open_day(place, model) as (path, steps):
        await store_trigger(path)
        await path.send(record)
        await steps.apply(steps.prices, steps.news)
        assert await marks(path) == 1
        await finish_triggers(path.services)
        await settle(steps)
        await assert_in_revision(path, record, 1)
        assert await marks(path) == 0
        assert await path.value("SELECT count(*) FROM day_triggers") == 1


@LATE
async def test_a_record_sent_before_the_cut_and_applied_after_it_is_in_the_first_revision(
    place: Place, model: QuickModel, record: NewsArticle | PriceClose
) -> None:
    async with open_day(place, model) as (path, steps):
        await store_trigger(path)
        await path.send(record)
        await finish_triggers(path.services)
        await steps.compute()
        assert await path.revisions("US", DAY) == []
        await settle(steps)
        await assert_in_revision(path, record, 1)
        assert await path.value("SELECT count(*) FROM day_triggers") == 1


@LATE
async def test_a_record_applied_between_the_cut_and_the_trigger_that_carries_it_makes_the_second_revision(
    place: Place, model: QuickModel, record: NewsArticle | PriceClose
) -> None:
    async with open_day(place, model) as (path, steps):
        await store_trigger(path)
        cut = await read_cut(path.services)
        await path.send(record)
        await steps.apply(steps.prices, steps.news)
        assert await marks(path) == 1
        await give_cut(path, cut)
        await finish_triggers(path.services)
        await settle(steps)
        await assert_in_revision(path, record, 2)
        assert await path.value("SELECT count(*) FROM day_triggers") == 2


@LATE
async def test_a_record_applied_after_the_cut_and_before_the_computation_makes_the_second_revision(
    place: Place, model: QuickModel, record: NewsArticle | PriceClose
) -> None:
    async with open_day(place, model) as (path, steps):
        await path.close("US", DAY)
        await path.send(record)
        await steps.apply(steps.prices, steps.news)
        await steps.compute()
        assert len(await path.revisions("US", DAY)) == 1
        await settle(steps)
        await assert_in_revision(path, record, 2)
        assert await path.value("SELECT count(*) FROM day_triggers") == 2


@LATE
async def test_a_worker_that_learns_of_a_close_after_the_records_above_its_cut_makes_the_second_revision(
    place: Place, emptied: Place, model: QuickModel, record: NewsArticle | PriceClose
) -> None:
    async with open_day(place, model) as (path, _):
        await path.close("US", DAY)
        await path.send(record)
    async with (
        emptied.pipeline(window_days=WINDOW_DAYS) as other,
        stepping(other, model) as steps,
    ):
        await steps.apply(steps.prices, steps.news)
        assert await other.value("SELECT count(*) FROM day_triggers") == 0
        assert await marks(other) == 0
        await steps.compute()
        assert await other.value("SELECT learnt FROM day_triggers")
        assert await marks(other) == 1
        await settle(steps)
        await assert_in_revision(other, record, 2)


async def test_news_that_streams_in_while_its_day_closes_is_in_the_revision_of_its_side_of_the_cut(
    place: Place, model: QuickModel
) -> None:
    news = [article(f"n{number:03}", NOON, f"Headline {number}.") for number in range(60)]
    async with place.pipeline(
        window_days=WINDOW_DAYS, chunk_records=3, closer_poll_seconds=0.1, amend_interval_seconds=0
    ) as path:
        path.start("prices", "news", "contexts")
        await path.send(*[close("SPX.US", day, 1250.0) for day in weekdays(DAY, WINDOW_DAYS)])
        for number, one in enumerate(news):
            await path.send(one)
            if number == len(news) // 2:
                await path.close("US", DAY)
        await path.applied()

        async def all_counted() -> bool:
            revisions = await path.revisions("US", DAY)
            return bool(revisions) and revisions[-1].articles == len(news)

        await until(all_counted, "the last revision holds every article")
        revisions = await path.revisions("US", DAY)
        cut = await path.value("SELECT cut FROM day_triggers WHERE number = 1")
        below = sum(cut[path.services.topic(NEWS.name)]["offsets"])

    counted = [context.articles for context in revisions]
    assert counted[0] == below
    assert len(news) // 2 < below < len(news)
    assert counted == sorted(set(counted))
