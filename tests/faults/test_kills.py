"""Recipes R1 and R12: workers are killed and ended at every kind of moment, and the invariants hold all the same.

Each test proves that its fault happened while there was work in hand. Random choices come from the seed.
"""

import random
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stream_app.embedded import Endpoints
from tests.faults.locks import blocked, writes_blocked
from tests.faults.observed import STAGE_TOPICS, committed_offsets
from tests.faults.settled import applied, in_flight, settle_and_check
from tests.faults.stream import LAST_DAY, REGION_NAMES, Market, Slice
from tests.faults.workers import STAGES, Crew, crew
from tests.integration.pipeline import Pipeline, close, pipeline, until

PARTITIONS = 4
UNCOMPUTED = "SELECT count(*) FROM day_triggers WHERE NOT computed"
KILLS = 6
STAGE_POINTS = ("after-decode", "in-transaction", "after-commit", "after-publish")
CONTEXT_POINTS = (
    "cut-read",
    "cut-given",
    "triggers-published",
    "contexts-in-transaction",
    "contexts-computed",
    "contexts-published",
)


@pytest.fixture
async def path(
    endpoints: Endpoints, database_url: str, topic_prefix: str, regions_file: Path
) -> AsyncIterator[Pipeline]:
    """Topics and a database, and no stage in this process."""
    async with pipeline(
        endpoints, database_url, topic_prefix, topic_partitions=PARTITIONS, regions=regions_file
    ) as made:
        yield made


@pytest.fixture
def workers(path: Pipeline, text_model: Path, regions_file: Path, tmp_path: Path) -> Iterator[Crew]:
    """Worker processes on the same topics and database."""
    with crew(path, text_model, regions_file, tmp_path) as made:
        yield made


async def send(path: Pipeline, part: Slice) -> None:
    """Publish a slice and close its day, without waiting for anything to be applied."""
    await path.services.publisher.publish(part.records)
    await close_regions(path, part)


async def close_regions(path: Pipeline, part: Slice) -> None:
    """Close the slice's day in every region."""
    for region in REGION_NAMES:
        await path.close(region, part.closing)


async def left_to_do(path: Pipeline, stage: str) -> int:
    """How much the stage has in hand or before it: records, and triggers that are not computed."""
    records = await in_flight(path, STAGE_TOPICS[stage])
    return records + (int(await path.value(UNCOMPUTED)) if stage == "contexts" else 0)


async def kill_at_work(path: Pipeline, workers: Crew, stage: str, random_: random.Random) -> None:
    """kill -9 a worker of the stage while a random part of what was sent is applied; start another one.

    Contexts wait until the prices below their cut are applied, so their worker is killed by the prices' progress.
    """
    watched = STAGE_TOPICS["prices" if stage == "contexts" else stage]
    enough = await in_flight(path, watched) * random_.uniform(0.7, 1.0)

    async def some_is_done() -> bool:
        workers.check()
        return await in_flight(path, watched) < enough

    await until(some_is_done, f"{stage} has begun")
    await random_.choice(workers.running(stage)).kill()
    assert await left_to_do(path, stage) > 0, f"nothing was in flight when {stage} was killed"
    workers.start(stage)


async def test_kill_9_at_random_moments_loses_nothing(path: Pipeline, workers: Crew, seed: int) -> None:
    drawn = random.Random(seed)
    for stage in STAGES * 2:
        workers.start(stage)
    victims = [*STAGES, *drawn.choices(STAGES, k=KILLS - len(STAGES))]
    drawn.shuffle(victims)
    parts = Market(seed, path.settings.topic_prefix, instruments=290, days=70, articles=600).slices(KILLS)
    for stage, part in zip(victims, parts, strict=True):
        if stage == "contexts":
            await send(path, part)
            await kill_at_work(path, workers, stage, drawn)
        else:
            await path.services.publisher.publish(part.records)
            await kill_at_work(path, workers, stage, drawn)
            await close_regions(path, part)
    await settle_and_check(path, workers)


async def test_kill_9_in_an_open_transaction_loses_nothing(path: Pipeline, workers: Crew) -> None:
    first, second, third = Market(1, path.settings.topic_prefix, instruments=8, days=66, articles=60).slices(3)
    at_work = {stage: workers.start(stage) for stage in STAGES}
    await send(path, first)
    await path.applied()
    async with writes_blocked(path, "joint_embedding_revisions"):
        await send(path, second)
        await blocked(path, "joint_embedding_revisions")
        await at_work["contexts"].kill()
    async with writes_blocked(path, "prices_daily", "news_articles"):
        await send(path, third)
        await blocked(path, "prices_daily")
        await blocked(path, "news_articles")
        await at_work["prices"].kill()
        await at_work["news"].kill()
    for stage in STAGES:
        workers.start(stage)
    await settle_and_check(path, workers)


async def test_sigterm_drains_commits_and_exits_with_0(path: Pipeline, workers: Crew) -> None:
    parts = Market(2, path.settings.topic_prefix, instruments=60, days=66, articles=200).slices(2)
    at_work = [workers.start(stage) for stage in STAGES]
    await send(path, parts[0])
    await path.applied()
    async with writes_blocked(path, "prices_daily", "news_articles"):
        await send(path, parts[1])
        await blocked(path, "prices_daily")
        await blocked(path, "news_articles")
        before = {topic: await applied(path, topic) for topic in STAGE_TOPICS.values()}
        for worker in at_work:
            worker.send(signal.SIGTERM)
    assert [await worker.ended() for worker in at_work] == [0, 0, 0]

    now = {topic: await applied(path, topic) for topic in STAGE_TOPICS.values()}
    assert sum(map(sum, (of.values() for of in now.values()))) > sum(map(sum, (of.values() for of in before.values())))
    committed = await committed_offsets(path)
    assert committed == {(topic, p): offset for topic, of in now.items() for p, offset in of.items()}
    for stage in STAGES:
        workers.start(stage)
    await settle_and_check(path, workers)


@pytest.mark.parametrize("point", STAGE_POINTS)
async def test_death_of_every_stage_at_a_failpoint_loses_nothing(path: Pipeline, workers: Crew, point: str) -> None:
    doomed = [workers.start(stage, failpoint=point) for stage in STAGES]
    for part in Market(3, path.settings.topic_prefix, instruments=8, days=66, articles=40).slices(2):
        await send(path, part)
    assert [await worker.ended() for worker in doomed] == [-signal.SIGKILL] * len(STAGES)
    for stage in STAGES:
        workers.start(stage)
    await settle_and_check(path, workers)


async def test_death_between_the_steps_of_closing_and_computing_loses_nothing(path: Pipeline, workers: Crew) -> None:
    for part in Market(4, path.settings.topic_prefix, instruments=8, days=66, articles=40).slices(2):
        await send(path, part)
    for stage in STAGES:
        workers.start(stage)
    await settle_and_check(path, workers)
    await workers.running("contexts")[0].kill()
    for number, point in enumerate(CONTEXT_POINTS):
        doomed = workers.start("contexts", failpoint=point)
        # A correction of a closed day: its mark makes the closer amend the day, which then is computed and published.
        await path.send(close("I000", LAST_DAY, 100.0 + number))
        assert await doomed.ended() == -signal.SIGKILL, f"{point} was not reached"
    workers.start("contexts")
    await settle_and_check(path, workers)
