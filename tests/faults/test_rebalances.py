"""Recipe R9: partitions change hands again and again, and a worker that was stopped wakes when they are another's.

Its late write must undo nothing: the fence refuses it, and what it has cached does not outlive its partitions.
"""

import asyncio
import random
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from tests.faults.actions import note
from tests.faults.observed import STAGE_TOPICS, but_for_times, committed_offsets, read_tables
from tests.faults.sending import send
from tests.faults.settled import SETTLE_SECONDS, nothing_is_ahead, settle_and_check, settled
from tests.faults.stream import Market
from tests.faults.workers import STAGES, Crew, Worker
from tests.integration.pipeline import Pipeline, until

EVERY_SECONDS = 3.0
LAST_PASS = 3
STABLE = "Stable"
NOT_COMMITTED = "Not committed, the group is being rebalanced"
REFUSED = {
    "after-decode": r"is no longer at offset",
    "in-transaction": r"Postgres (does not answer|refused)",
    "after-commit": NOT_COMMITTED,
    "after-publish": NOT_COMMITTED,
}
"""What a worker that wakes there logs of who has refused it: the fence; Postgres, which has ended its transaction, as
the others could not have passed the fence before; the broker, as the chunk is stored and only its commit is left.
"""


@asynccontextmanager
async def guest(path: Pipeline, stage: str) -> AsyncIterator[int]:
    """A member of the stage's group that has its share of the partitions and does nothing; the group's generation."""
    consumer = AIOKafkaConsumer(
        path.services.topic(STAGE_TOPICS[stage]),
        bootstrap_servers=path.endpoints.kafka.servers,
        group_id=f"{path.settings.topic_prefix}{stage}",
        enable_auto_commit=False,
        partition_assignment_strategy=[RoundRobinPartitionAssignor],
    )
    await consumer.start()
    try:
        assert consumer.assignment(), f"the guest of {stage} has no partition"
        yield consumer._coordinator.generation
    finally:
        await consumer.stop()


async def rebalance(path: Pipeline, stage: str, stays_seconds: float) -> int:
    """Let a guest come, stay and go, which takes partitions from the workers and gives them back; the generation."""
    async with guest(path, stage) as generation:
        await nothing_is_ahead(path)  # the workers committed as they gave partitions up
        await asyncio.sleep(stays_seconds)
        return generation


@pytest.mark.parametrize("rounds", [4, pytest.param(20, marks=pytest.mark.whole)])
async def test_a_rebalance_every_3_seconds_loses_nothing(
    path: Pipeline, workers: Crew, fresh_database: str, seed: int, rounds: int
) -> None:
    drawn = random.Random(seed)
    for stage in STAGES * 2:
        workers.start(stage)
    generations: dict[str, list[int]] = {stage: [] for stage in STAGES}
    for part in Market(seed, path.settings.topic_prefix, instruments=60, days=70, articles=40 * rounds).slices(rounds):
        began = time.monotonic()
        await send(path, part)
        stays = [drawn.uniform(0, EVERY_SECONDS / 2) for _ in STAGES]
        note(f"a guest joins each group, for {', '.join(f'{seconds:.1f}' for seconds in stays)} s, and leaves")
        come = await asyncio.gather(*map(rebalance, [path] * len(STAGES), STAGES, stays))
        for stage, generation in zip(STAGES, come, strict=True):
            generations[stage].append(generation)
        await nothing_is_ahead(path)
        await asyncio.sleep(max(0.0, began + EVERY_SECONDS - time.monotonic()))
    for of_group in generations.values():
        assert of_group == sorted(set(of_group)), "each guest that came made a generation"
    note("the guests came and went", rebalances=sum(of[-1] - of[0] + 1 for of in generations.values()))
    await settle_and_check(path, workers, replay_into=fresh_database)


async def stopped(worker: Worker) -> None:
    """Wait until the worker has stopped itself."""

    async def is_stopped() -> bool:
        return psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED

    await until(is_stopped, f"the {worker.stage} worker stops at its failpoint", SETTLE_SECONDS)
    note(f"the {worker.stage} worker {worker.pid} has stopped itself")


async def members(path: Pipeline, stage: str) -> int:
    """How many members the stage's group has; 0 while it is not stable."""
    admin = AIOKafkaAdminClient(bootstrap_servers=path.endpoints.kafka.servers)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([f"{path.settings.topic_prefix}{stage}"])
        ((_, _, state, _, _, found, *_),) = answer.groups
        return len(found) if state == STABLE else 0
    finally:
        await admin.close()


@pytest.mark.parametrize(
    "point",
    [
        "after-decode",
        pytest.param("in-transaction", marks=pytest.mark.whole),
        pytest.param("after-commit", marks=pytest.mark.whole),
        pytest.param("after-publish", marks=pytest.mark.whole),
    ],
)
async def test_a_worker_that_wakes_when_its_partitions_are_anothers_writes_nothing(
    path: Pipeline, workers: Crew, fresh_database: str, seed: int, point: str
) -> None:
    """It stops with a chunk in hand, past its session; others apply that and more; then it has all to itself again."""
    drawn = random.Random(f"{seed} {point}")
    parts = Market(seed, path.settings.topic_prefix, instruments=20, days=70, articles=60).slices(3)
    asleep = [
        workers.start(stage, failpoint=f"{point}:{drawn.randint(1, LAST_PASS)}:{signal.SIGSTOP.name}")
        for stage in STAGES
    ]
    await send(path, parts[0])
    for worker in asleep:
        await stopped(worker)
    others = [workers.start(stage) for stage in STAGES]
    await send(path, parts[1])

    async def others_are_done() -> bool:
        workers.check()
        await nothing_is_ahead(path)
        return await settled(path)

    await until(others_are_done, "the others have taken over", SETTLE_SECONDS)
    before = but_for_times(await read_tables(path.endpoints.database_url))
    committed = await committed_offsets(path)
    for worker in asleep:
        assert psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED
        worker.send(signal.SIGCONT)

    async def all_are_back() -> bool:
        workers.check()
        await nothing_is_ahead(path)
        return [await members(path, stage) for stage in STAGES] == [2] * len(STAGES)

    await until(all_are_back, "who was asleep is a member again", SETTLE_SECONDS)
    logged = {worker.stage: worker.log.read_text(encoding="utf-8") for worker in asleep}
    assert [stage for stage, lines in logged.items() if not re.search(REFUSED[point], lines)] == []
    assert await committed_offsets(path) == committed
    assert but_for_times(await read_tables(path.endpoints.database_url)) == before
    for worker in others:
        await worker.kill()
    await send(path, parts[2])
    await settle_and_check(path, workers, replay_into=fresh_database)
