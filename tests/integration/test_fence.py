"""What stale workers, duplicates and records out of order can do to the tables: nothing."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from schemas import NewsArticle
from stream_app.contexts.cut import read_cut
from stream_app.errors import FenceLost
from stream_app.store import progress
from stream_app.store.database import connection
from stream_app.store.progress import Progress
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

THURSDAY, FRIDAY, MONDAY = DAYS = (dt.date(2008, 9, 11), dt.date(2008, 9, 12), dt.date(2008, 9, 15))
WINDOW_DAYS = 5
WRITTEN = (
    "prices_daily",
    "prices_history",
    "numeric_window_embeddings",
    "news_articles",
    "text_vectors",
    "late_marks",
    "dead_letters",
    "ingest_progress",
)


def noon(day: dt.date) -> dt.datetime:
    """Noon UTC, before the close in New York."""
    return dt.datetime.combine(day, dt.time(12), dt.UTC)


@asynccontextmanager
async def two_workers(place: Place, model: QuickModel) -> AsyncIterator[tuple[Pipeline, Steps, Steps]]:
    """Two workers' stages over the same log and database."""
    async with (
        place.pipeline(window_days=WINDOW_DAYS, amend_interval_seconds=0) as path,
        stepping(path, model) as first,
        stepping(path, model) as second,
    ):
        yield path, first, second


async def everything(path: Pipeline) -> dict[str, list[object]]:
    """All that a price or news stage writes."""
    return {table: await path.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in WRITTEN}


async def progress_of(path: Pipeline, topic: str, partition: int) -> Progress:
    """The stored progress."""
    async with connection(path.services.pool) as conn:
        return (await progress.load(conn, path.services.topic(topic), [partition]))[partition]


async def test_a_stage_with_an_outdated_progress_loses_at_the_fence_and_writes_nothing(
    place: Place, model: QuickModel
) -> None:
    async with two_workers(place, model) as (path, first, second):
        await path.send_to(0, *[close("SPX.US", day, 1200.0) for day in weekdays(MONDAY, 6)])
        await path.send_to(0, article("a1", noon(MONDAY), "A bank fails."))
        prices = [chunk async for chunk in second.chunks(second.prices)]
        news = [chunk async for chunk in second.chunks(second.news)]
        outdated = [await progress_of(path, topic, 0) for topic in ("prices.closes", "news.articles")]
        await first.apply()
        before = await everything(path)
        assert len(before["prices_daily"]) == 6
        for stage, [chunk], was in zip((second.prices, second.news), (prices, news), outdated, strict=True):
            assert was.next_offset == 0
            with pytest.raises(FenceLost):
                await stage.apply(chunk, was)
        assert await everything(path) == before


async def test_a_worker_that_lost_at_the_fence_reads_anew_and_makes_the_windows_that_one_worker_makes(
    place: Place, model: QuickModel
) -> None:
    days = weekdays(MONDAY, 9)
    async with two_workers(place, model) as (path, first, second):
        await path.send_to(0, *[close("SPX.US", day, 1200.0 + day.day) for day in days[:6]])
        await first.apply(first.prices)
        await path.send_to(0, close("SPX.US", days[6], 1000.0), close("SPX.US", days[1], 900.0))
        await second.apply(second.prices)
        await path.send_to(0, *[close("SPX.US", day, 1200.0 + day.day) for day in days[7:]])
        await first.apply(first.prices)
        windows = await path.fetch("SELECT as_of_date, rows, vector FROM numeric_window_embeddings ORDER BY as_of_date")
        await path.fetch("TRUNCATE prices_daily, prices_history, numeric_window_embeddings, ingest_progress")
        async with stepping(path, model) as alone:
            await alone.apply(alone.prices)
        expected = await path.fetch(
            "SELECT as_of_date, rows, vector FROM numeric_window_embeddings ORDER BY as_of_date"
        )
    assert [tuple(row) for row in windows] == [tuple(row) for row in expected]
    assert len(windows) == 6


async def test_an_older_record_of_a_key_that_arrives_later_from_another_partition_goes_to_history(
    place: Place, model: QuickModel
) -> None:
    async with two_workers(place, model) as (path, first, second):
        await path.send_to(0, close("SPX.US", MONDAY, 1.0), article("a1", noon(MONDAY), "Older."))
        await path.send_to(1, close("SPX.US", MONDAY, 2.0), article("a1", noon(MONDAY), "Newer."))
        await apply_partition(first, 1)
        await apply_partition(second, 0)
        assert await path.value("SELECT close FROM prices_daily") == 2.0
        assert await path.value("SELECT close FROM prices_history") == 1.0
        assert await path.value("SELECT headline FROM news_articles") == "Newer."
        assert await path.value("SELECT headline FROM news_history") == "Older."
        embedded = await path.value(
            "SELECT e.vector = v.vector FROM text_embeddings e, news_articles a, text_vectors v "
            "WHERE e.source_id = a.article_id AND v.content_hash = a.content_hash"
        )
        assert embedded


async def apply_partition(steps: Steps, partition: int) -> None:
    """Let a worker's price and news stages apply one partition alone."""
    for stage in (steps.prices, steps.news):
        for chunk in [chunk async for chunk in steps.chunks(stage)]:
            if chunk.partition == partition:
                await stage.handle(chunk)


@pytest.mark.parametrize(
    "newer",
    [article("a1", noon(MONDAY), "It was Monday."), NewsArticle(article_id="a1", retracted=True)],
    ids=["moved", "retracted"],
)
async def test_a_day_whose_article_was_moved_by_a_record_applied_before_it_is_revised(
    place: Place, model: QuickModel, newer: NewsArticle
) -> None:
    async with two_workers(place, model) as (path, first, second):
        await path.send(*[close("SPX.US", day, 1200.0 + day.day) for day in weekdays(MONDAY, 8)])
        await path.send(*[article(f"n-{day}", noon(day), f"News of {day}.") for day in DAYS])
        await first.apply()
        await path.send_to(0, article("a1", noon(FRIDAY), "It was Friday."))
        await path.close("US", *DAYS)
        cut = await read_cut(path.services)
        await path.send_to(1, newer)
        assert await read_cut(path.services) != cut
        await apply_partition(first, 1)
        await apply_partition(second, 0)
        for _ in range(3):
            await first.close_and_compute()
        friday = [context.articles for context in await path.revisions("US", FRIDAY)]
        monday = [context.articles for context in await path.revisions("US", MONDAY)]
    assert friday == [2, 1]
    assert monday == ([1] if newer.retracted else [1, 2])
