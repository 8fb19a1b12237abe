"""Whatever order closes, corrections and retractions arrive in, the stored windows are those of the stored prices."""

import datetime as dt
import random

import numpy as np
import pytest

from agents.price_closes import PriceCloses
from stream_app.kafka.chunks import Chunk
from stream_app.services import Services
from stream_app.store import progress
from stream_app.store.database import connection
from tests.integration.agents.prices import FIRST, INSTRUMENTS, check, record


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


async def test_new_rows_are_stored_although_one_of_their_windows_is_there_already(services: Services) -> None:
    """A backfill has stored the window of a day whose price comes only now: it becomes the live one."""
    stage = PriceCloses(services)
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 0, 0)
    await stage.handle(Chunk(stage.topic, 0, 1, [record(n, "A", n, 100.0 + n) for n in range(6)]))
    async with connection(services.pool) as conn:
        await conn.execute(
            """INSERT INTO numeric_window_embeddings
                (entity_id, as_of_date, rows, window_days, model_id, window_spec, vector, origin)
            SELECT entity_id, $1, 1, window_days, model_id, window_spec, vector, 'backfill'
            FROM numeric_window_embeddings LIMIT 1""",
            FIRST + 7 * dt.timedelta(days=1),
        )
    await stage.handle(Chunk(stage.topic, 0, 1, [record(n, "A", n, 100.0 + n) for n in range(6, 9)]))
    assert await check(services) == 6
    async with connection(services.pool) as conn:
        assert await conn.fetchval("SELECT count(*) FROM numeric_window_embeddings WHERE origin = 'live'") == 6


async def test_new_rows_are_stored_although_another_worker_has_stored_one_of_them(services: Services) -> None:
    """The cache holds nothing of a row that another partition's owner stored: its version is kept as history."""
    stage, other = PriceCloses(services), PriceCloses(services)
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 0, 0)
        await progress.create(conn, stage.topic, 1, 0)
    await stage.handle(Chunk(stage.topic, 0, 1, [record(n, "A", n, 100.0 + n) for n in range(6)]))
    await other.handle(Chunk(stage.topic, 1, 1, [record(0, "A", 7, 90.0)]))
    await stage.handle(Chunk(stage.topic, 0, 1, [record(n, "A", n, 100.0 + n) for n in range(6, 9)]))
    assert await check(services) == 6
    async with connection(services.pool) as conn:
        assert await conn.fetchval("SELECT close FROM prices_history") == 90.0
