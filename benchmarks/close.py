"""How long after its last input is stored a day's context is on the topic, with 10,000 articles that day.

A worker runs as always: a process a stage, the real broker and the real Postgres. A day is closed while its last input,
a price or an article, is on its topic but cannot be stored yet (this program holds the row of that partition's progress
in Postgres), so that the trigger waits for its cut; then the row is let go. The clock starts when Postgres commits that
input (`pg_xact_commit_timestamp` of the progress' row) and stops when a read_committed consumer has the context. The
third figure begins at the call that closes a day whose inputs are all stored, as on a quiet evening.

The text model's cost is not in it: every text has a vector (of random numbers) before its article comes. Many regions
share the articles of a day, which is how the samples become many; their days close one after another.
"""

import asyncio
import datetime as dt
import gc
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.closing.days import ClosingDays, closing_days
from benchmarks.closing.sending import Inputs, value
from benchmarks.closing.timing import Closes, arrivals
from benchmarks.machine import kafka_version, machine, versions
from benchmarks.report import Figure, Report, parser, publish
from schemas.topics import DEFAULT_PARTITIONS
from stream_app.config import Settings, load_settings
from stream_app.embedded import Endpoints, start, stop
from stream_app.kafka.topics import ensure_topics
from stream_app.services import open_services
from stream_app.store.database import connect
from stream_app.store.migrate import upgrade

GOAL_MS = 250.0
PERCENTS = (50, 99)
STOP_SECONDS = 60.0
STORED = "last {} stored to context on the topic"
CLOSED = "day closed to context on the topic"

Rounds = list[list[float]]
"""The samples of each round, in seconds."""


@contextmanager
def worker(settings: Settings) -> Iterator[None]:
    """`stream-app worker`, which says what goes wrong on this program's standard error."""
    options = ["--data-dir", str(settings.data_dir), "--regions", str(settings.regions), "--log-level", "WARNING"]
    process = subprocess.Popen([sys.executable, "-P", "-m", "stream_app", *options, "worker"])
    try:
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


async def take(
    kinds: Mapping[str, Callable[[str, dt.date], Awaitable[float]]], world: ClosingDays, rounds: int
) -> dict[str, Rounds]:
    """The samples of each kind: every region closes all the days in one round and kind; the kinds take turns."""
    found: dict[str, Rounds] = {kind: [[] for _ in range(rounds)] for kind in kinds}
    for number in range(rounds):
        of_round = world.regions[number::rounds]
        for day in world.days:
            for index, region in enumerate(of_round):
                kind = list(kinds)[index % len(kinds)]
                found[kind][number].append(await kinds[kind](region, day))
    return found


async def measure(settings: Settings, endpoints: Endpoints, world: ClosingDays, rounds: int) -> Report:
    """Load the days, close them, and say how long it took."""
    async with open_services(settings, endpoints) as services, arrivals(services, endpoints.kafka) as arrived:
        inputs = Inputs(services)
        await inputs.load(world)
        gc.freeze()  # the pauses of this program's own collector are not the worker's
        closes = Closes(services, world, inputs, arrived)
        kinds = {
            STORED.format("price"): closes.after_price,
            STORED.format("article"): closes.after_article,
            CLOSED: closes.after_close,
        }
        found = await take(kinds, world, rounds)
        postgres = await value(services, "SHOW server_version")
    return Report(
        benchmark="close",
        job={
            "articles a day": world.articles_a_day,
            "days": len(world.days),
            "samples a figure and round": len(found[CLOSED][0]),
        },
        runs=rounds,
        figures=[figure for kind, samples in found.items() for figure in figures(kind, samples)],
        machine=machine(),
        versions=versions("aiokafka", "asyncpg", "numpy", postgres=postgres, kafka=kafka_version()),
        at=dt.datetime.now(dt.UTC),
    )


def figures(kind: str, rounds: Sequence[Sequence[float]]) -> list[Figure]:
    """The percentiles of the round that had the best one, beside those of every round; the goal is on the last."""
    found = []
    for percent in PERCENTS:
        runs = [1000 * float(np.percentile(samples, percent)) for samples in rounds]
        goal = GOAL_MS if kind != CLOSED and percent == PERCENTS[-1] else None
        found.append(Figure(f"{kind}, p{percent}", min(runs), "ms", at_most=goal, measured=runs))
    return found


async def keep_commit_times(database_url: str) -> None:
    """Have Postgres note when transactions commit, from its next start on."""
    conn = await connect(database_url)
    await conn.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    await conn.close()


def started(settings: Settings) -> Endpoints:
    """Fresh services with the tables and the topics."""
    asyncio.run(keep_commit_times(start(settings.data_dir).database_url))
    stop(settings.data_dir)
    endpoints = start(settings.data_dir)
    asyncio.run(upgrade(endpoints.database_url))
    asyncio.run(ensure_topics(endpoints.kafka, settings.topic_prefix, DEFAULT_PARTITIONS, 1))
    return endpoints


def main() -> None:
    """Read the arguments, start what is needed, measure, stop it."""
    arguments = parser(__doc__, rounds=3)
    arguments.add_argument("--articles", type=int, default=10_000, help="a day")
    arguments.add_argument("--days", type=int, default=5)
    arguments.add_argument("--regions", type=int, default=20, help="of one figure in one round")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        regions = Path(folder) / "regions.toml"
        settings = load_settings({"data_dir": Path(folder) / "services", "regions": regions})
        world = closing_days(given.days, 3 * given.rounds * given.regions, given.articles)
        world.write_regions(regions)
        try:
            endpoints = started(settings)
            with worker(settings):
                report = asyncio.run(measure(settings, endpoints, world, given.rounds))
        finally:
            stop(settings.data_dir)
    publish(report, given.json_lines)


if __name__ == "__main__":
    main()
