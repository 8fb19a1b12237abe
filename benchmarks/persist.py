"""How many closes a second the price stage stores with their windows' vectors, against plain vector upserts.

All write to the same real Postgres, by turns. A generated history is stored through `PriceCloses.handle` (prices,
windows, late marks, progress), from where each close has a window: once with windows too old to be published, once with
all of them published to a real Kafka. As many rows of a key and a vector(384) are upserted by COPY and merge, in
transactions of as many rows.
"""

import asyncio
import datetime as dt
import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agents.price_closes import PriceCloses
from benchmarks.machine import machine, versions
from benchmarks.report import Figure, Report, parser, publish
from benchmarks.rounds import alternate
from benchmarks.services import services as own_services
from schemas import DIM, PriceClose, encode
from schemas.topics import PRICES
from stream_app.clock import SystemClock
from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.kafka.chunks import Chunk
from stream_app.kafka.topics import ensure_topics
from stream_app.regime.windows import min_rows
from stream_app.services import Services, open_services
from stream_app.store import progress, vectors
from stream_app.store.database import Pool, connection, transaction
from stream_app.store.migrate import upgrade

FIRST_DAY = dt.date(2006, 1, 2)
TABLES = ("prices_daily", "prices_history", "numeric_window_embeddings", "ingest_progress", "plain_vectors")
SHARE = {"closes with windows": 0.6, "the same, windows published": 0.3}
"""The least rate of closes, as a part of the plain vectors'."""
A_LIFETIME_DAYS = 36_500
PLAIN_UPSERTS = "plain vector upserts"
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


async def store_closes(services: Services, before: Sequence[Chunk], chunks: Sequence[Chunk]) -> float:
    """Seconds to handle the chunks, after those before them."""
    stage = PriceCloses(services)
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 0, 0)
    for chunk in before:
        await stage.handle(chunk)
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


async def measure(endpoints: Endpoints, instruments: int, days: int, rounds: int) -> Report:
    """Alternate them and keep the best of each."""
    settings = load_settings()
    await upgrade(endpoints.database_url)
    await ensure_topics(endpoints.kafka, "", settings.topic_partitions, replication=1)
    async with open_services(settings, endpoints) as services:
        return await _measure(services, instruments, days, rounds)


async def _measure(services: Services, instruments: int, days: int, rounds: int) -> Report:
    settings, pool, count = services.settings, services.pool, instruments * days
    size, too_few = settings.chunk_records, instruments * (min_rows(services.models.longest_window_days) - 1)
    rows = history(instruments, too_few // instruments + days)
    topic = services.topic(PRICES.name)
    before, chunks = chunks_of(rows[:too_few], size, topic), chunks_of(rows[too_few:], size, topic)
    publishing = replace(
        services, settings=settings.model_copy(update={"numeric_publish_max_age_days": A_LIFETIME_DAYS})
    )
    gc.freeze()  # a worker does not hold its whole history

    async def closes() -> float:
        await empty(pool)
        return count / await store_closes(services, before, chunks)

    async def published() -> float:
        await empty(pool)
        return count / await store_closes(publishing, before, chunks)

    async def plain() -> float:
        await empty(pool)
        return count / await store_vectors(pool, count, size, instruments)

    candidates = dict(zip([*SHARE, PLAIN_UPSERTS], (closes, published, plain), strict=True))
    measured = await alternate(candidates, rounds)
    async with connection(pool) as conn:
        postgres = await conn.fetchval("SHOW server_version")
    return Report(
        benchmark="persist",
        job={"closes": count, "chunk records": size},
        runs=rounds,
        figures=figures(measured),
        machine=machine(),
        versions=versions("numpy", "asyncpg", "aiokafka", postgres=postgres),
        at=SystemClock().now(),
    )


def figures(measured: Mapping[str, Sequence[float]]) -> list[Figure]:
    """The best rate of each, and the closes' as parts of the plain vectors'."""
    best = {name: max(runs) for name, runs in measured.items()}
    rates = [Figure(name, best[name], "/s", measured=runs) for name, runs in measured.items()]
    plain = best[PLAIN_UPSERTS]
    return rates + [
        Figure(f"{name} / {PLAIN_UPSERTS}", best[name] / plain, "%", at_least=least) for name, least in SHARE.items()
    ]


def main() -> None:
    """Read the arguments, start what is needed, measure, stop it."""
    arguments = parser(__doc__, rounds=3)
    arguments.add_argument("--instruments", type=int, default=500)
    arguments.add_argument("--days", type=int, default=200)
    given = arguments.parse_args()
    with own_services() as endpoints:
        publish(asyncio.run(measure(endpoints, given.instruments, given.days, given.rounds)), given.json_lines)


if __name__ == "__main__":
    main()
