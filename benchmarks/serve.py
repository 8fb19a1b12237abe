"""How many pages of contexts the read API answers, and how soon at 200 a second.

Three servers, each one process, by turns: `stream-app serve` as it is; a FastAPI application whose one route makes the
same page of the same rows by pydantic models, as FastAPI's tutorial does; and, as the bound, uvicorn and Starlette with
the bytes of a page at hand. A page is of 100 days without vectors. The rate is that of 16 connections that each ask as
soon as they are answered. The latency is that of 200 requests a second, sent when they are due whether or not others
are answered, and counts from then.

The server, Postgres and this program, which asks, share the machine's cores. The processor time is the server's own.
"""

import asyncio
import datetime as dt
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import psutil

from benchmarks.machine import machine, versions
from benchmarks.report import Figure, Report, parser, publish
from benchmarks.rounds import alternate
from benchmarks.services import services as own_services
from benchmarks.serving import asking
from benchmarks.serving.asking import PAGE_DAYS, Pages
from benchmarks.serving.days import StoredDays
from benchmarks.serving.peer import DATABASE
from stream_app.config import Settings, load_settings
from stream_app.embedded import Endpoints
from stream_app.services import open_services
from stream_app.store.database import connection
from stream_app.store.migrate import upgrade

SERVE, PEER, BARE = "stream-app serve", "FastAPI with pydantic rows", "page at hand"
PER_SECOND = 200
MOST_MS = 50.0
"""Of the 99th percentile at that rate."""
PERCENTS = (50, 99)
WARM_SECONDS = 2.0
STARTED_SECONDS = 120.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server's process and its pages.

    Of each round `cpu_ms` is the processor time of a page at its full rate, and `latencies` are the seconds of
    every answer at the given one.
    """

    process: psutil.Process
    pages: Pages
    cpu_ms: list[float] = field(default_factory=list)
    latencies: list[Sequence[float]] = field(default_factory=list)

    async def rate(self, seconds: float) -> float:
        """Pages a second."""
        before = self._cpu_seconds()
        answers, took = await asking.saturated(self.pages, seconds)
        self.cpu_ms.append(1000 * (self._cpu_seconds() - before) / answers)
        return answers / took

    async def latency(self, seconds: float) -> float:
        """The median at PER_SECOND pages a second."""
        self.latencies.append(await asking.at_a_rate(self.pages, PER_SECOND, seconds))
        return float(np.median(self.latencies[-1]))

    def _cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def serving(module: Sequence[str], pages: Pages, environment: dict[str, str]) -> Iterator[Server]:
    """A server in a process of its own, once it listens."""
    command = [sys.executable, "-P", "-m", *module]
    process = subprocess.Popen(command, env=os.environ | {"BENCHMARK_PORT": str(pages.port)} | environment)
    try:
        asyncio.run(_listens(pages.port))
        yield Server(psutil.Process(process.pid), pages)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


async def _listens(port: int) -> None:
    async with asyncio.timeout(STARTED_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


async def prepare(settings: Settings, endpoints: Endpoints, stored: StoredDays) -> str:
    """Store the days; returns Postgres' version."""
    await upgrade(endpoints.database_url)
    async with open_services(settings, endpoints) as services:
        await stored.store(services)
        async with connection(services.pool) as conn:
            return str(await conn.fetchval("SHOW server_version"))


async def measure(servers: Mapping[str, Server], rounds: int, seconds: float) -> list[Figure]:
    """The rates of all servers by turns, and then, again by turns, how soon each answers at a given rate."""
    for each in servers.values():
        await asking.saturated(each.pages, WARM_SECONDS)
    rates = await alternate({name: partial(each.rate, seconds) for name, each in servers.items()}, rounds)
    await alternate({name: partial(each.latency, seconds) for name, each in servers.items()}, rounds)
    best = {name: max(runs) for name, runs in rates.items()}
    return [
        *(Figure(name, best[name], "/s", measured=runs) for name, runs in rates.items()),
        *(Figure(f"{name}, processor time", min(of.cpu_ms), "ms", measured=of.cpu_ms) for name, of in servers.items()),
        Figure(f"{SERVE} / {PEER}", best[SERVE] / best[PEER], "x"),
        Figure(f"{SERVE} / {BARE}", best[SERVE] / best[BARE], "%"),
        *(figure for name, of in servers.items() for figure in percentiles(name, of.latencies)),
    ]


def percentiles(name: str, rounds: Sequence[Sequence[float]]) -> list[Figure]:
    """Each of the round that had the best one, beside those of every round; the product's last one has a goal."""
    found = []
    for percent in PERCENTS:
        runs = [1000 * float(np.percentile(samples, percent)) for samples in rounds]
        goal = MOST_MS if name == SERVE and percent == PERCENTS[-1] else None
        found.append(Figure(f"{name} at {PER_SECOND} /s, p{percent}", min(runs), "ms", at_most=goal, measured=runs))
    return found


def run(endpoints: Endpoints, stored: StoredDays, rounds: int, seconds: float) -> Report:
    """Store the days, start the servers, measure them."""
    settings = load_settings()
    postgres = asyncio.run(prepare(settings, endpoints, stored))
    serve, peer, bare = (Pages(port, stored, settings.joint_models[0]) for port in free_ports(3))
    product = {"STREAM_APP_DATABASE_URL": endpoints.database_url, "STREAM_APP_KAFKA_URL": endpoints.kafka.servers}
    command = ["stream_app", "--log-level", "WARNING", "serve", "--port", str(serve.port)]
    with (
        serving(command, serve, product) as of_product,
        serving(["benchmarks.serving.peer"], peer, {DATABASE: endpoints.database_url}) as of_peer,
    ):
        size = asyncio.run(page_bytes(serve))
        with serving(["benchmarks.serving.bare"], bare, {"BENCHMARK_BODY_BYTES": str(size)}) as of_bare:
            servers = {SERVE: of_product, PEER: of_peer, BARE: of_bare}
            figures = asyncio.run(measure(servers, rounds, seconds))
    return Report(
        benchmark="serve",
        job={"days a page": PAGE_DAYS, "bytes a page": size, "regions": len(stored.regions), "days": stored.days},
        runs=rounds,
        figures=figures,
        machine=machine(),
        versions=versions("fastapi", "uvicorn", "msgspec", "pydantic", "asyncpg", postgres=postgres),
        at=dt.datetime.now(dt.UTC),
    )


async def page_bytes(pages: Pages) -> int:
    """The size of a page."""
    async with asking.session() as session:
        return await asking.answer(session, next(pages.urls()))


def main() -> None:
    """Read the arguments, start what is needed, measure, stop it."""
    arguments = parser(__doc__, rounds=3)
    arguments.add_argument("--days", type=int, default=2_610, help="of a region, a weekday each: ten years")
    arguments.add_argument("--regions", type=int, default=8)
    arguments.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    given = arguments.parse_args()
    stored = StoredDays([f"R{number}" for number in range(given.regions)], given.days)
    with own_services() as endpoints:
        publish(run(endpoints, stored, given.rounds, given.seconds), given.json_lines)


if __name__ == "__main__":
    main()
