"""How many closes a second the price stage stores with their windows' vectors, against plain vector upserts.

Both write to the same real Postgres, by turns: a round stores a generated history through `PriceCloses.handle` (prices,
history, windows, late marks, progress), then upserts as many rows of a key and a vector(384) by COPY and merge, in
transactions of as many rows. Publishing is left out: the history is older than what is published, and the publisher is
a double that sends nothing.
"""

import asyncio
import datetime as dt
import gc
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from agents.price_closes import PriceCloses
from benchmarks.machine import machine, versions
from benchmarks.report import Figure, Report, parser, publish
from benchmarks.rounds import alternate
from benchmarks.services import services as own_services
from schemas import DIM, PriceClose, encode
from stream_app.clock import SystemClock
from stream_app.config import load_regions, load_settings
from stream_app.kafka.chunks import Chunk
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.publisher import Outgoing, Publisher
from stream_app.services import Services
from stream_app.store import progress, vectors
from stream_app.store.database import Pool, connection, create_pool, transaction
from stream_app.store.migrate import upgrade

FIRST_DAY = dt.date(2006, 1, 2)
TABLES = ("prices_daily", "prices_history", "numeric_window_embeddings", "ingest_progress", "plain_vectors")
SHARE = 0.6
"""The least rate of closes, as a part of the plain vectors'."""
PLAIN = "CREATE TABLE IF NOT EXISTS plain_vectors (id text, day date, vector vector(384), PRIMARY KEY (id, day))"
PLAIN_INCOMING = """
    CREATE TEMP TABLE IF NOT EXISTS incoming_plain (id text, day date, vector vector(384)) ON COMMIT DELETE ROWS
"""
PLAIN_MERGE = """
    INSERT INTO plain_vectors SELECT * FROM incoming_plain
    ON CONFLICT (id, day) DO UPDATE SET vector = excluded.vector
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A record made by hand."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


class Silent(Publisher):
    """A publisher that sends nothing."""

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Nothing is sent."""


def history(instruments: int, days: int) -> list[Row]:
    """Closes of random walks, all instruments of a day before the next day."""
    chance = np.random.default_rng(1)
    closes = 100 * np.exp(np.cumsum(chance.normal(0, 0.01, (days, instruments)), axis=0))
    volumes = chance.integers(1_000, 10_000_000, (days, instruments))
    now_ms = int(time.time() * 1000)
    rows: list[Row] = []
    for day in range(days):
        for instrument in range(instruments):
            event = PriceClose(
                instrument_id=f"I{instrument:04}.X",
                trade_date=FIRST_DAY + dt.timedelta(days=day),
                close=float(closes[day, instrument]),
                volume=float(volumes[day, instrument]),
            )
            rows.append(Row(len(rows), now_ms, event.instrument_id.encode(), encode(event)))
    return rows


def chunks_of(rows: Sequence[Row], size: int, topic: str) -> list[Chunk]:
    """The rows as the transport hands them over."""
    return [Chunk(topic, 0, 1, rows[first : first + size]) for first in range(0, len(rows), size)]


async def empty(pool: Pool) -> None:
    """Both sides begin with empty tables."""
    async with connection(pool) as conn:
        await conn.execute(PLAIN)
        for table in TABLES:
            await conn.execute(f"TRUNCATE {table}")
        await conn.execute("CHECKPOINT")


async def store_closes(services: Services, chunks: Sequence[Chunk]) -> float:
    """Seconds to handle the chunks."""
    stage = PriceCloses(services)
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 0, 0)
    began = time.perf_counter()
    for chunk in chunks:
        await stage.handle(chunk)
    return time.perf_counter() - began


async def store_vectors(pool: Pool, count: int, size: int, instruments: int) -> float:
    """Seconds to upsert as many vectors, already packed."""
    matrix = np.random.default_rng(2).normal(size=(size, DIM)).astype(np.float32)
    packed = vectors.to_rows(matrix)
    began = time.perf_counter()
    for first in range(0, count, size):
        rows = [
            (f"I{n % instruments:04}.X", FIRST_DAY + dt.timedelta(days=n // instruments), packed[n - first])
            for n in range(first, min(first + size, count))
        ]
        async with transaction(pool) as conn:
            await conn.execute(PLAIN_INCOMING)
            await conn.copy_records_to_table("incoming_plain", records=rows)
            await conn.execute(PLAIN_MERGE)
    return time.perf_counter() - began


async def measure(database_url: str, instruments: int, days: int, rounds: int) -> Report:
    """Alternate both and keep the best of each."""
    settings = load_settings()
    await upgrade(database_url)
    pool = await create_pool(database_url)
    services = Services(
        settings=settings,
        regions=load_regions(),
        database_url=database_url,
        pool=pool,
        publisher=Silent("127.0.0.1:9"),
        log=LogReader("127.0.0.1:9"),
        clock=SystemClock(),
    )
    rows = history(instruments, days)
    chunks = chunks_of(rows, settings.chunk_records, services.topic("prices.closes"))
    gc.freeze()  # a worker does not hold its whole history

    async def closes() -> float:
        await empty(pool)
        return len(rows) / await store_closes(services, chunks)

    async def plain() -> float:
        await empty(pool)
        return len(rows) / await store_vectors(pool, len(rows), settings.chunk_records, instruments)

    measured = await alternate({"closes with windows": closes, "plain vector upserts": plain}, rounds)
    async with connection(pool) as conn:
        postgres = await conn.fetchval("SHOW server_version")
    await pool.close()
    return Report(
        benchmark="persist",
        job={"closes": len(rows), "chunk records": settings.chunk_records},
        runs=rounds,
        figures=figures(measured),
        machine=machine(),
        versions=versions("numpy", "asyncpg", postgres=postgres),
        at=SystemClock().now(),
    )


def figures(measured: Mapping[str, Sequence[float]]) -> list[Figure]:
    """The best rate of each, and the closes' as a part of the plain vectors'."""
    rates = [Figure(name, max(runs), "/s", measured=runs) for name, runs in measured.items()]
    closes, plain = rates
    return [*rates, Figure("share", closes.value / plain.value, "%", at_least=SHARE)]


def main() -> None:
    """Read the arguments, start what is needed, measure, stop it."""
    arguments = parser(__doc__, rounds=3)
    arguments.add_argument("--instruments", type=int, default=500)
    arguments.add_argument("--days", type=int, default=400)
    arguments.add_argument("--database-url", help="an empty database of your own; none: an embedded one, thrown away")
    given = arguments.parse_args()
    with ExitStack() as stack:
        database_url = given.database_url or stack.enter_context(own_services()).database_url
        publish(asyncio.run(measure(database_url, given.instruments, given.days, given.rounds)), given.json_lines)


if __name__ == "__main__":
    main()
