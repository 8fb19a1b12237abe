"""Whatever order closes, corrections and retractions arrive in, the stored windows are those of the stored prices."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from agents.price_closes import PriceCloses
from schemas import PriceClose, encode
from stream_app.clock import SystemClock
from stream_app.config import load_regions, load_settings
from stream_app.kafka.chunks import Chunk
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.publisher import Outgoing, Publisher
from stream_app.services import Services
from stream_app.store import progress
from stream_app.store.database import connection, create_pool
from tests.unit.kafka.rows import Row

FIRST = dt.date(2008, 1, 1)
WINDOW_DAYS, MIN_ROWS, LOOKBACK_DAYS = 5, 4, 15
INSTRUMENTS = ("A", "B", "C")


class Kept(Publisher):
    """Keeps what is published."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:9")
        self.records: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.records += records


@pytest.fixture
async def services(database_url: str) -> AsyncIterator[Services]:
    """A database, and no broker."""
    pool = await create_pool(database_url)
    yield Services(
        settings=load_settings({"window_days": WINDOW_DAYS}),
        regions=load_regions(),
        database_url=database_url,
        pool=pool,
        publisher=Kept(),
        log=LogReader("127.0.0.1:9"),
        clock=SystemClock(),
    )
    await pool.close()


def record(offset: int, instrument_id: str, day: int, close: float | None) -> Row:
    """A close, or without one a retraction."""
    event = PriceClose(
        instrument_id=instrument_id,
        trade_date=FIRST + dt.timedelta(days=day),
        close=close,
        volume=None if close is None else 2 * close,
        retracted=close is None,
    )
    return Row(offset, encode(event), instrument_id.encode(), 1_700_000_000_000 + offset)


def window(prices: dict[dt.date, tuple[float, float]], as_of: dt.date) -> list[float] | None:
    """PARITY's vector in plain Python; None with too few rows."""
    oldest = as_of - dt.timedelta(days=LOOKBACK_DAYS)
    rows = [prices[day] for day in sorted(prices) if oldest <= day <= as_of][-WINDOW_DAYS:]
    if len(rows) < MIN_ROWS:
        return None
    rows += [rows[-1]] * (WINDOW_DAYS - len(rows))
    numbers: list[float] = []
    for index, (close, volume) in enumerate(rows):
        change = 0.0 if index == 0 else float(np.log(close / rows[index - 1][0]))
        numbers += [close, volume, change]
    return numbers + [0.0] * (384 - len(numbers))


async def check(services: Services) -> int:
    """Compare every stored window with the prices; how many there are."""
    async with connection(services.pool) as conn:
        prices = await conn.fetch(
            "SELECT instrument_id, trade_date, close, volume FROM prices_daily WHERE NOT retracted"
        )
        stored = await conn.fetch("SELECT entity_id, as_of_date, vector FROM numeric_window_embeddings")
    expected: dict[tuple[str, dt.date], list[float]] = {}
    for name in INSTRUMENTS:
        of_name = {row["trade_date"]: (row["close"], row["volume"]) for row in prices if row["instrument_id"] == name}
        expected |= {(name, day): vector for day in of_name if (vector := window(of_name, day)) is not None}
    found = {(row[0], row[1]): np.frombuffer(row[2], ">f4", offset=4) for row in stored}
    assert found.keys() == expected.keys()
    for key, vector in expected.items():
        np.testing.assert_allclose(found[key], vector, rtol=1e-6, atol=1e-7, err_msg=str(key))
    return len(found)


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
