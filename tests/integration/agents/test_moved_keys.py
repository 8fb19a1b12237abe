"""Windows stay right although an instrument's records lie in two partitions, which two workers have."""

import asyncio
import random

import pytest

from agents.price_closes import PriceCloses
from stream_app.kafka.chunks import Chunk
from stream_app.services import Services
from stream_app.store import progress
from stream_app.store.database import connection
from tests.integration.agents.prices import WINDOW_DAYS, check, record


async def first_partition(services: Services, stage: PriceCloses) -> None:
    """The topic has one partition."""
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 0, 0, partitions=1)


async def second_partition(services: Services, stage: PriceCloses) -> None:
    """The topic has two."""
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 1, 0, partitions=2)
        assert await progress.move_keys(conn, stage.topic, 2)
        assert not await progress.move_keys(conn, stage.topic, 2)


async def test_what_a_worker_cached_of_an_instrument_does_not_outlive_its_move(services: Services) -> None:
    old, new = PriceCloses(services), PriceCloses(services)
    await first_partition(services, old)
    await old.handle(Chunk(old.topic, 0, 1, [record(n, "A", n, 100.0 + n) for n in range(WINDOW_DAYS)]))
    await second_partition(services, new)
    await new.handle(Chunk(new.topic, 1, 1, [record(0, "A", WINDOW_DAYS, 90.0)]))
    await old.handle(Chunk(old.topic, 0, 1, [record(WINDOW_DAYS, "A", WINDOW_DAYS + 1, 80.0)]))
    await new.handle(Chunk(new.topic, 1, 1, [record(1, "A", WINDOW_DAYS + 2, 70.0)]))
    assert await check(services) == 5


@pytest.mark.parametrize("seed", range(3))
async def test_two_workers_at_once_make_the_windows_of_the_rows_that_both_stored(services: Services, seed: int) -> None:
    chance, stages, offsets = random.Random(seed), (PriceCloses(services), PriceCloses(services)), [0, 0]
    await first_partition(services, stages[0])
    await second_partition(services, stages[1])
    days = list(range(60))
    chance.shuffle(days)
    while days:
        chunks = []
        for partition, stage in enumerate(stages):
            taken, days = days[:2], days[2:]
            rows = [record(offsets[partition] + n, "A", day, 100.0 + day) for n, day in enumerate(taken)]
            offsets[partition] += len(rows)
            chunks.append(stage.handle(Chunk(stage.topic, partition, 1, rows)))
        await asyncio.gather(*chunks)
        await check(services)
    assert await check(services) == 60 - 3
