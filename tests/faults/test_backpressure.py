"""Recipes R11 and R14: a slow Postgres, a day of much news and a model that hangs hold up no more than they must.

Latency is from a price's Kafka time until a reader finds it stored; each is taken while the other work is in hand.
"""

import asyncio
import datetime as dt
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from schemas import encode
from schemas.topics import NEWS, PRICES
from stream_app.kafka.ledger import PENDING_CHUNKS
from stream_app.kafka.producing import Outgoing
from tests.faults.actions import note
from tests.faults.groups import generation
from tests.faults.settled import SETTLE_SECONDS, check_run, in_flight, settle_and_check, settled
from tests.faults.slow_postgres import SlowPostgres
from tests.faults.stream import LAST_DAY, REGION_NAMES
from tests.faults.watched_model import WatchedModel
from tests.faults.workers import NO_ENVIRONMENT, QUICK, STAGES, Crew, Worker, crew
from tests.integration.pipeline import Pipeline, article, close, until, weekdays

PARTITIONS = 2
MEBIBYTE = 1024 * 1024
PRICE_SECONDS = 2.0
"""How soon a price is stored, whatever else is going on."""
SESSION_SECONDS = float(QUICK["SESSION_TIMEOUT_SECONDS"])

DELAY_SECONDS = 0.5
RECORDS = 50_000
INSTRUMENTS = 500
NOTE_BYTES = 4_000
EARLIER_DAYS = 64
"""So that every price of the slow time makes a window, as those before it did."""
CHUNK_RECORDS, CHUNK_BYTES = 2_000, 4 * MEBIBYTE
COPIES = 4
"""What a record weighs in memory, in its own bytes: fetched, decoded, as Postgres takes it, and with its windows."""
MOST_BYTES = PARTITIONS * (PENDING_CHUNKS + 2) * CHUNK_BYTES * COPIES
"""A partition has two chunks pending, one that was fetched beyond them, and one in the client library's buffer."""
SLOW_SECONDS = 600.0

NOON = dt.datetime.combine(LAST_DAY, dt.time(12), dt.UTC)
WORDS = ("bank", "oil", "rates", "trade", "jobs", "profit", "loss", "merger", "storm", "vote", "bond", "yen", "gold")
BODY_WORDS = 40
NEWS_AT_ONCE = 2_000
PRICES_AT_ONCE = 20
TICKS = 5_000
"""More than a test can send."""
LEAST_TICKS = 11
CONTEXT_DAYS = 70


@pytest.fixture
def partitions() -> int:
    """Fewer, so that each holds a run of records."""
    return PARTITIONS


@pytest.fixture
def workers(
    path: Pipeline, text_model: Path, regions_file: Path, tmp_path: Path, model: WatchedModel
) -> Iterator[Crew]:
    """Worker processes with the product's own chunks."""
    settings = {"CHUNK_RECORDS": str(CHUNK_RECORDS)}
    with crew(path, text_model, regions_file, tmp_path, model.environment, **settings) as made:
        yield made


@pytest.fixture
async def slow(path: Pipeline) -> AsyncIterator[SlowPostgres]:
    """The test's Postgres behind a proxy, which begins without delay."""
    async with SlowPostgres(path.endpoints.database_url).serving() as made:
        yield made


@pytest.fixture
def slowed_workers(
    path: Pipeline, slow: SlowPostgres, text_model: Path, regions_file: Path, tmp_path: Path
) -> Iterator[Crew]:
    """Worker processes that reach Postgres through the proxy."""
    settings = {
        "DATABASE_URL": slow.database_url,
        "CHUNK_RECORDS": str(CHUNK_RECORDS),
        "CHUNK_BYTES": str(CHUNK_BYTES),
    }
    with crew(path, text_model, regions_file, tmp_path, NO_ENVIRONMENT, **settings) as made:
        yield made


def prices(path: Pipeline, seed: int) -> tuple[list[Outgoing], list[Outgoing]]:
    """Closes day by day: earlier ones, and 50,000, each with a note that makes it heavy."""
    drawn = random.Random(seed)
    days = weekdays(LAST_DAY, EARLIER_DAYS + RECORDS // INSTRUMENTS)
    earlier = prices_of(path, drawn, days[:EARLIER_DAYS], lambda: {})
    return earlier, prices_of(path, drawn, days[EARLIER_DAYS:], lambda: {"note": heavy(drawn)})


def prices_of(
    path: Pipeline, drawn: random.Random, days: Sequence[dt.date], metadata: Callable[[], dict[str, str]]
) -> list[Outgoing]:
    """A close of every instrument on each day."""
    topic = path.services.topic(PRICES.name)
    return [
        Outgoing(
            topic,
            f"I{number:03}".encode(),
            encode(close(f"I{number:03}", day, drawn.uniform(50, 5_000), metadata=metadata())),
        )
        for day in days
        for number in range(INSTRUMENTS)
    ]


async def publish(path: Pipeline, records: Sequence[Outgoing]) -> None:
    """Send them a part at a time, because packing holds up this loop, which the proxy shares."""
    for start in range(0, len(records), CHUNK_RECORDS):
        await path.services.publisher.publish(records[start : start + CHUNK_RECORDS])


def heavy(drawn: random.Random) -> str:
    """Text that is not compressed to nothing."""
    return drawn.randbytes(NOTE_BYTES // 2).hex()


def rss(worker: Worker) -> int:
    """The memory that a worker holds, in bytes."""
    size: int = psutil.Process(worker.pid).memory_info().rss
    return size


async def at_rest(path: Pipeline, workers: Crew) -> None:
    """Wait until nothing is left to be done."""

    async def done() -> bool:
        workers.check()
        return await settled(path)

    await until(done, "the workers are at rest", SETTLE_SECONDS)


@pytest.mark.whole
@pytest.mark.timeout(2 * SLOW_SECONDS)
async def test_a_postgres_that_takes_half_a_second_for_each_answer_costs_neither_memory_nor_partitions(
    path: Pipeline, slow: SlowPostgres, slowed_workers: Crew, seed: int
) -> None:
    at_work = {stage: slowed_workers.start(stage) for stage in STAGES}
    earlier, sent = prices(path, seed)
    assert sum(len(record.value or b"") for record in sent) > 1.5 * MOST_BYTES, "holding all of it would not show"
    await publish(path, earlier)
    await path.send(article("n1", NOON, "A bank fails."))
    await at_rest(path, slowed_workers)
    resting = {stage: rss(worker) for stage, worker in at_work.items()}
    generations = {stage: await generation(path, stage) for stage in STAGES}

    slow.delay_seconds = DELAY_SECONDS
    note(f"Postgres takes {DELAY_SECONDS} s longer for each answer")
    assert await slow.answer_seconds() >= DELAY_SECONDS
    began = time.monotonic()
    await publish(path, sent)
    await path.send(article("n2", NOON, "A bank is saved."))
    for region in REGION_NAMES:
        await path.close(region, LAST_DAY)
    most = dict(resting)

    async def drained() -> bool:
        slowed_workers.check()
        for stage, worker in at_work.items():
            most[stage] = max(most[stage], rss(worker))
        return await settled(path)

    await until(drained, "the lag is gone", SLOW_SECONDS)
    assert time.monotonic() - began > 2 * SESSION_SECONDS
    grown = {stage: (most[stage] - resting[stage]) / MEBIBYTE for stage in STAGES}
    assert max(grown.values()) < MOST_BYTES / MEBIBYTE, grown
    assert {stage: await generation(path, stage) for stage in STAGES} == generations
    assert slow.held_back > len(sent) / CHUNK_RECORDS
    await check_run(path)


def news_of_a_day(path: Pipeline, seed: int, count: int) -> list[Outgoing]:
    """So many articles of one day, no two alike."""
    drawn = random.Random(seed)
    topic = path.services.topic(NEWS.name)
    events = [
        article(
            f"n{number:05}",
            NOON - dt.timedelta(seconds=number),
            f"Report {number}: {' '.join(drawn.choices(WORDS, k=5))}",
            body=" ".join(drawn.choices(WORDS, k=BODY_WORDS)),
        )
        for number in range(count)
    ]
    return [Outgoing(topic, event.article_id.encode(), encode(event)) for event in events]


class PriceClock:
    """Sends prices, a day of some instruments at a time, and takes how long they took until they were stored."""

    def __init__(self, path: Pipeline) -> None:
        self._path = path
        self._days = iter(weekdays(LAST_DAY, TICKS))
        self.latencies: list[float] = []

    async def tick(self) -> None:
        """Send a day's prices, and wait until the last of them is stored."""
        day = next(self._days)
        prices = [close(f"T{number:03}", day, 100.0 + number) for number in range(PRICES_AT_ONCE)]
        await self._path.send(*prices)

        async def stored() -> list[int]:
            rows = await self._path.fetch("SELECT log_timestamp_ms FROM prices_daily WHERE trade_date = $1", day)
            return [row["log_timestamp_ms"] for row in rows] if len(rows) == len(prices) else []

        sent_at_ms = await until(stored, f"the prices of {day} are stored")
        self.latencies.append(time.time() - min(sent_at_ms) / 1000)

    async def tick_while(self, fact: Callable[[], Awaitable[bool]]) -> None:
        """Go on while something is so."""
        while await fact():
            await self.tick()


@pytest.mark.parametrize("articles", [1_000, pytest.param(20_000, marks=pytest.mark.whole)])
async def test_prices_are_stored_within_2_s_while_the_news_of_a_day_is_embedded(
    path: Pipeline, workers: Crew, seed: int, articles: int
) -> None:
    for stage in STAGES:
        workers.start(stage)
    clock = PriceClock(path)
    await path.send(*(close("I000", day, 1200.0) for day in weekdays(LAST_DAY, CONTEXT_DAYS)))
    await path.applied()
    news = news_of_a_day(path, seed, articles)

    async def send() -> None:
        for start in range(0, articles, NEWS_AT_ONCE):
            await path.services.publisher.publish(news[start : start + NEWS_AT_ONCE])

    sending = asyncio.ensure_future(send())

    async def news_in_hand() -> bool:
        workers.check()
        return not sending.done() or await in_flight(path, NEWS.name) > 0

    await clock.tick_while(news_in_hand)
    await sending
    assert len(clock.latencies) >= LEAST_TICKS
    assert max(clock.latencies) < PRICE_SECONDS
    for region in REGION_NAMES:
        await path.close(region, LAST_DAY)
    await settle_and_check(path, workers)
    (context,) = await path.revisions("US", LAST_DAY)
    assert (context.absent_reason, context.articles) == (None, articles)


@pytest.mark.whole
async def test_prices_are_stored_within_2_s_while_the_text_model_hangs(
    path: Pipeline, workers: Crew, model: WatchedModel, seed: int
) -> None:
    for stage in STAGES:
        workers.start(stage)
    clock = PriceClock(path)
    await path.send(close("I000", LAST_DAY, 1200.0), article("n0", NOON, "A bank fails."))
    await at_rest(path, workers)
    groups = {stage: await generation(path, stage) for stage in STAGES}
    with model.hanging():
        await path.services.publisher.publish(news_of_a_day(path, seed, 100))

        async def hangs() -> bool:
            return any(each.hung for each in model.passes())

        await until(hangs, "the model hangs")
        began = time.monotonic()

        async def for_longer_than_a_session() -> bool:
            workers.check()
            enough = time.monotonic() - began > 1.5 * SESSION_SECONDS and len(clock.latencies) >= LEAST_TICKS
            return not enough

        await clock.tick_while(for_longer_than_a_session)
        assert await path.value("SELECT count(*) FROM text_vectors") == 1
        assert {stage: await generation(path, stage) for stage in STAGES} == groups
    assert len(clock.latencies) >= LEAST_TICKS
    assert max(clock.latencies) < PRICE_SECONDS
    await settle_and_check(path, workers)
