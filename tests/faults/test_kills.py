"""Recipe R1: workers are killed at every kind of moment, and the invariants hold all the same.

Each test proves that its fault happened while there was work in hand. Random choices come from the seed.
"""

import random

import pytest

from tests.faults.locks import blocked, writes_blocked
from tests.faults.observed import STAGE_TOPICS
from tests.faults.sending import close_regions, in_hand, send, send_records
from tests.faults.settled import in_flight, nothing_is_ahead, settle_and_check
from tests.faults.stream import LAST_DAY, Market
from tests.faults.workers import STAGES, Crew
from tests.integration.pipeline import Pipeline, close, until

UNCOMPUTED = "SELECT count(*) FROM day_triggers WHERE NOT computed"
LAST_PASS = 3
"""Chunks that every stage is sure to have; a failpoint is one of their passes."""
CHUNK_POINTS = ("after-decode", "in-transaction", "after-commit", "after-publish")
COMMIT_POINT = "before-offset-commit"
CONTEXT_POINTS = (
    "cut-read",
    "cut-given",
    "triggers-published",
    "contexts-in-transaction",
    "contexts-computed",
    "contexts-published",
)


async def left_to_do(path: Pipeline, stage: str) -> int:
    """How much the stage has in hand or before it: records, and triggers that are not computed."""
    records = await in_flight(path, STAGE_TOPICS[stage])
    return records + (int(await path.value(UNCOMPUTED)) if stage == "contexts" else 0)


async def kill_at_work(path: Pipeline, workers: Crew, stage: str, random_: random.Random) -> None:
    """kill -9 a worker of the stage while a random part of what was sent is applied; start another one.

    Contexts wait until the prices below their cut are applied, so their worker is killed by the prices' progress.
    """
    watched = STAGE_TOPICS["prices" if stage == "contexts" else stage]
    enough = max(1.0, await in_flight(path, watched) * random_.uniform(0.7, 1.0))

    async def some_is_done() -> bool:
        workers.check()
        return await in_flight(path, watched) < enough

    await until(some_is_done, f"{stage} has begun")
    await random_.choice(workers.running(stage)).kill()
    left = await left_to_do(path, stage)  # at once: others go on meanwhile
    await nothing_is_ahead(path)
    assert left > 0, f"nothing was in flight when {stage} was killed"
    workers.start(stage)


@pytest.mark.parametrize("kills", [6, pytest.param(20, marks=pytest.mark.whole)])
async def test_kill_9_of_one_of_two_workers_at_random_moments_loses_nothing(
    path: Pipeline, workers: Crew, fresh_database: str, seed: int, kills: int
) -> None:
    drawn = random.Random(seed)
    for stage in STAGES * 2:
        workers.start(stage)
    victims = [*STAGES, *drawn.choices(STAGES, k=kills - len(STAGES))]
    drawn.shuffle(victims)
    days, articles = 50 + 4 * kills, 100 * kills
    parts = Market(seed, path.settings.topic_prefix, instruments=290, days=days, articles=articles).slices(kills)
    for stage, part in zip(victims, parts, strict=True):
        if stage == "contexts":
            await send(path, part)
            await kill_at_work(path, workers, stage, drawn)
        else:
            await send_records(path, part)
            await kill_at_work(path, workers, stage, drawn)
            await close_regions(path, part)
    await settle_and_check(path, workers, replay_into=fresh_database)


async def test_kill_9_in_an_open_transaction_loses_nothing(path: Pipeline, workers: Crew, seed: int) -> None:
    first, second, third = Market(seed, path.settings.topic_prefix, instruments=8, days=66, articles=60).slices(3)
    at_work = {stage: workers.start(stage) for stage in STAGES}
    await send(path, first)
    await path.applied()
    async with writes_blocked(path, "joint_embedding_revisions"):
        await send(path, second)
        await blocked(path, "joint_embedding_revisions")
        await at_work["contexts"].kill()
    async with in_hand(path, third):
        await at_work["prices"].kill()
        await at_work["news"].kill()
    await close_regions(path, third)
    for stage in STAGES:
        workers.start(stage)
    await settle_and_check(path, workers)


@pytest.mark.parametrize("point", [*CHUNK_POINTS, COMMIT_POINT])
async def test_death_of_every_stage_at_a_failpoint_loses_nothing(
    path: Pipeline, workers: Crew, point: str, seed: int
) -> None:
    drawn = random.Random(f"{seed} {point}")
    passes = {stage: 1 if point == COMMIT_POINT else drawn.randint(1, LAST_PASS) for stage in STAGES}
    doomed = [workers.start(stage, failpoint=f"{point}:{passes[stage]}") for stage in STAGES]
    for part in Market(seed, path.settings.topic_prefix, instruments=8, days=66, articles=40).slices(2):
        await send(path, part)
    for worker in doomed:
        await worker.killed(f"at {point}, pass {passes[worker.stage]}")
        await nothing_is_ahead(path)
    for stage in STAGES:
        workers.start(stage)
    await settle_and_check(path, workers)


@pytest.mark.whole
async def test_death_between_the_steps_of_closing_and_computing_loses_nothing(
    path: Pipeline, workers: Crew, seed: int
) -> None:
    for part in Market(seed, path.settings.topic_prefix, instruments=8, days=66, articles=40).slices(2):
        await send(path, part)
    for stage in STAGES:
        workers.start(stage)
    await settle_and_check(path, workers)
    await workers.running("contexts")[0].kill()
    for number, point in enumerate(CONTEXT_POINTS):
        doomed = workers.start("contexts", failpoint=point)
        # A correction of a closed day: its mark makes the closer amend the day, which then is computed and published.
        await path.send(close("I000", LAST_DAY, 100.0 + number))
        await doomed.killed(f"at {point}")
        await nothing_is_ahead(path)
    workers.start("contexts")
    await settle_and_check(path, workers)
