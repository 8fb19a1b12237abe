"""What a worker has cached never outlives another worker's writes."""

import datetime as dt

from agents.price_closes import PriceCloses
from stream_app.kafka.chunks import TP, Chunk
from stream_app.services import Services
from stream_app.store import progress
from stream_app.store.database import connection
from tests.integration.agents.prices import FIRST, WINDOW_DAYS, check, record


async def days_stored(services: Services) -> list[dt.date]:
    async with connection(services.pool) as conn:
        return [row[0] for row in await conn.fetch("SELECT trade_date FROM prices_daily ORDER BY 1")]


async def test_a_worker_that_was_overtaken_reads_everything_again(services: Services) -> None:
    overtaken, other = PriceCloses(services), PriceCloses(services)
    topic = overtaken.topic
    rows = [record(n, "A", n, 100.0 + n) for n in range(WINDOW_DAYS + 2)]
    async with connection(services.pool) as conn:
        await progress.create(conn, topic, 0, 0)
    await overtaken.handle(Chunk(topic, 0, 1, rows[:-2]))
    await other.handle(Chunk(topic, 0, 1, rows[-2:-1]))
    await overtaken.handle(Chunk(topic, 0, 1, rows[-2:]))
    assert await check(services) == 4


async def test_what_is_cached_goes_with_the_partitions_even_where_their_fence_would_not_tell(
    services: Services,
) -> None:
    """Another worker writes a day of the instrument from another partition, which moves no progress of this one."""
    first, other = PriceCloses(services), PriceCloses(services)
    rows = [record(n, "A", n, 100.0 + n) for n in range(WINDOW_DAYS + 2)]
    async with connection(services.pool) as conn:
        await progress.create(conn, first.topic, 0, 0)
        await progress.create(conn, first.topic, 1, WINDOW_DAYS)
    await first.handle(Chunk(first.topic, 0, 1, rows[:-2]))
    await other.handle(Chunk(first.topic, 1, 1, rows[-2:-1]))
    await first.revoked([TP(first.topic, 0)])
    await first.handle(Chunk(first.topic, 0, 2, rows[-1:]))
    assert await check(services) == 4


async def test_an_idle_partition_that_another_worker_moved_on_drops_the_caches(services: Services) -> None:
    overtaken, other = PriceCloses(services), PriceCloses(services)
    topic = overtaken.topic
    rows = [record(n, "A", n, 100.0 + n) for n in range(WINDOW_DAYS + 2)]
    async with connection(services.pool) as conn:
        await progress.create(conn, topic, 0, 0)
    await overtaken.handle(Chunk(topic, 0, 1, rows[:-2]))
    await other.handle(Chunk(topic, 0, 1, rows[-2:-1]))
    await overtaken.idle(TP(topic, 0), len(rows))
    await overtaken.handle(Chunk(topic, 0, 1, rows[-1:]))
    assert await check(services) == 4
    assert await days_stored(services) == [FIRST + dt.timedelta(days=n) for n in range(len(rows))]


async def test_an_idle_partition_moves_on_over_control_records_and_keeps_its_caches(services: Services) -> None:
    stage = PriceCloses(services)
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 0, 0)
    await stage.handle(Chunk(stage.topic, 0, 1, [record(n, "A", n, 100.0 + n) for n in range(WINDOW_DAYS)]))
    await stage.idle(TP(stage.topic, 0), WINDOW_DAYS + 3)
    await stage.idle(TP(stage.topic, 0), WINDOW_DAYS + 1)
    async with connection(services.pool) as conn:
        assert await progress.offsets(conn, stage.topic) == {0: WINDOW_DAYS + 3}
    await stage.handle(Chunk(stage.topic, 0, 1, [record(WINDOW_DAYS + 3, "A", WINDOW_DAYS, 99.0)]))
    assert await check(services) == 3
