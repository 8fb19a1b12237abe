"""How fast history is filled in: windows, contexts and joint vectors a second, and in how much memory.

A generated history lies in a real Postgres as the stages would have left it: prices, articles with stored text vectors,
and a trigger for every region and day, all below one cut. By turns, each in a process of its own:

- windows and their vectors are computed in memory, and read, computed and stored as `run_numeric_regime` does;
- as many rows of a key and a vector(384) are upserted by COPY and merge, 2,000 a transaction;
- contexts are computed and stored with revision, joint vector and regime row, as a worker and a replay do (a context
  writes three vectors, one of them once more in the JSON that is published); nothing is published;
- joint vectors are made from the stored halves as `backfill_joint_regime_context` does;
- and the first 2,000 windows and contexts again, row by row, as a straightforward script would.

The defaults are a tenth of the instruments and all the days; the full history is `--instruments 1000`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from benchmarks.filling.history import History, write
from benchmarks.filling.jobs import JOBS
from benchmarks.filling.process import CORE_ALONE, Order, Ran, in_own_process
from benchmarks.machine import machine, versions
from benchmarks.report import Figure, Report, parser, publish
from benchmarks.rounds import alternate
from benchmarks.services import services as own_services
from stream_app.clock import SystemClock
from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.models import models_in_use
from stream_app.services import open_services
from stream_app.store.database import connection
from stream_app.store.migrate import upgrade

GOALS = {"windows computed": 1_500_000.0, "contexts computed and stored": 8_000.0}
"""The least a second."""
RATIOS = {
    ("windows computed and stored", "plain vector upserts"): 0.6,
    ("windows computed and stored", "windows row by row"): None,
    ("contexts computed and stored", "contexts row by row"): None,
}
"""Which rates are held against each other, and the least that the first may be of the second."""
MOST_GIB = 1.5
MEASURED_FOR_MEMORY = ("windows computed and stored", "contexts computed and stored", "joint vectors filled in")


async def measure(endpoints: Endpoints, history: History, rounds: int) -> Report:
    """Write the history, run the jobs by turns and keep the best of each."""
    await upgrade(endpoints.database_url)
    async with open_services(load_settings(CORE_ALONE), endpoints) as services:
        await write(services, history)
        async with connection(services.pool) as conn:
            postgres = await conn.fetchval("SHOW server_version")
    ran: dict[str, list[Ran]] = {name: [] for name in JOBS}

    def candidate(name: str) -> Callable[[], Awaitable[float]]:
        async def once() -> float:
            ran[name].append(await in_own_process(Order(name, history, endpoints)))
            return ran[name][-1].rate

        return once

    await alternate({name: candidate(name) for name in JOBS}, rounds)
    return Report(
        benchmark="backfill",
        job={
            "instruments": history.instruments,
            "sessions": history.sessions,
            "regions": history.regions,
            "articles a day": history.articles_a_day,
        },
        runs=rounds,
        figures=figures(ran),
        machine=machine(),
        versions=versions("numpy", "asyncpg", "msgspec", postgres=postgres),
        at=SystemClock().now(),
    )


def figures(ran: Mapping[str, Sequence[Ran]]) -> list[Figure]:
    """The best rate of each job, the ratios of these, and the most memory that any process of the product took."""
    rates = {name: [each.rate for each in runs] for name, runs in ran.items()}
    best = {name: max(runs) for name, runs in rates.items()}
    peaks = {name: [each.peak_bytes / 2**30 for each in ran[name]] for name in MEASURED_FOR_MEMORY}
    return [
        *(Figure(name, best[name], "/s", at_least=GOALS.get(name), measured=runs) for name, runs in rates.items()),
        *(_ratio(best, upper, lower, least) for (upper, lower), least in RATIOS.items()),
        *(Figure(f"{name}, memory", max(of), "GiB", at_most=MOST_GIB, measured=of) for name, of in peaks.items()),
    ]


def _ratio(best: Mapping[str, float], upper: str, lower: str, least: float | None) -> Figure:
    unit = "x" if least is None else "%"
    return Figure(f"{upper} / {lower}", best[upper] / best[lower], unit, at_least=least)


def main() -> None:
    """Read the arguments, start what is needed, measure, stop it."""
    arguments = parser(__doc__, rounds=3)
    arguments.add_argument("--instruments", type=int, default=100)
    arguments.add_argument("--sessions", type=int, default=2_520, help="with prices and, for the regions, triggers")
    arguments.add_argument("--regions", type=int, default=10)
    arguments.add_argument("--articles", type=int, default=4, help="a day")
    given = arguments.parse_args()
    rows_before = models_in_use(load_settings(CORE_ALONE)).longest_window_days - 1
    history = History(given.instruments, given.sessions, given.regions, given.articles, rows_before)
    with own_services() as endpoints:
        publish(asyncio.run(measure(endpoints, history, given.rounds)), given.json_lines)


if __name__ == "__main__":
    main()
