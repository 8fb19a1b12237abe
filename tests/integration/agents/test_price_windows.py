"""Whatever order closes, corrections and retractions arrive in, the stored windows are those of the stored prices."""

import random

import numpy as np
import pytest

from agents.price_closes import PriceCloses
from stream_app.kafka.chunks import Chunk
from stream_app.services import Services
from stream_app.store import progress
from stream_app.store.database import connection
from tests.integration.agents.prices import INSTRUMENTS, check, record


@pytest.mark.parametrize("seed", range(6))
async def test_windows_follow_the_prices_through_any_sequence_of_chunks(services: Services, seed: int) -> None:
    chance = random.Random(seed)
    stage, offset, frontier = PriceCloses(services), 0, dict.fromkeys(INSTRUMENTS, 0)
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 0, 0)
    for _ in range(40):
        rows = []
        for _ in range(chance.randint(1, 6)):
            name = chance.choice(INSTRUMENTS)
            if chance.random() < 0.6:
                frontier[name] += chance.choice((1, 1, 2, 3, 14))
                day = frontier[name]
            else:
                day = max(0, frontier[name] - chance.choice((0, 0, 1, 2, 5, 20, 60)))
            close = None if chance.random() < 0.25 else float(np.float32(chance.uniform(50, 150)))
            rows.append(record(offset, name, day, close))
            offset += 1
        await stage.handle(Chunk(stage.topic, 0, 1, rows))
        if chance.random() < 0.1:
            stage.drop_caches()
        await check(services)
    assert await check(services) > 0


async def test_a_row_before_a_retracted_one_finds_the_older_rows_again(services: Services) -> None:
    """The rows read for a retraction end before it, and begin too late for an earlier day's window."""
    stage = PriceCloses(services)
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 0, 0)
    days = [*range(4), 40]
    await stage.handle(Chunk(stage.topic, 0, 1, [record(n, "A", day, 100.0 + n) for n, day in enumerate(days)]))
    await stage.handle(Chunk(stage.topic, 0, 1, [record(5, "A", 40, None)]))
    await stage.handle(Chunk(stage.topic, 0, 1, [record(6, "A", 5, 120.0)]))
    assert await check(services) == 2
