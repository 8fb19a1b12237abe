"""How many closes a second go through this transport, stock Faust, Quix Streams, Bytewax and bare aiokafka.

All do the same job (benchmarks/candidates/job.py) with the same records on the same broker, by turns, each in a process
of its own, one at a time, and each must come to the windows that the records make. Stock Faust gets a tenth of the
records, as it takes so long for each. The peers' packages are in an environment of their own, which `make bench` makes.
"""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from benchmarks.candidates.job import Job, Outcome, Task
from benchmarks.closes import closes
from benchmarks.machine import kafka_version, machine, versions
from benchmarks.report import Figure, Report, parser, publish
from benchmarks.rounds import Candidate, alternate
from benchmarks.services import services
from schemas import encode
from stream_app.clock import SystemClock
from stream_app.errors import Fatal
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.producing import Outgoing
from stream_app.kafka.publisher import Publisher
from stream_app.kafka.topics import ensure_topics

PUBLISH_RECORDS = 20_000
RUN_SECONDS = 300.0
FAUST_SHARE = 10
"""Stock Faust gets one of so many days."""

THIS, FAUST = "this transport", "stock Faust"
MODULES = {
    THIS: "this_transport",
    FAUST: "stock_faust",
    "bare aiokafka": "bare_aiokafka",
    "Quix Streams": "quix_streams",
    "Bytewax": "bytewax_dataflow",
}
PEERS = ("Quix Streams", "Bytewax")
TARGETS = {"Quix Streams": 3.0, "Bytewax": 2.0, "bare aiokafka": 0.9, FAUST: None}
"""The least rate of this transport, as a multiple of each other's."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A topic full of closes, and the checksum of the windows that they make."""

    task: Task
    checksum: str


@dataclass(slots=True)
class Runs:
    """The candidates' processes, and what they told."""

    peers_python: Path
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)

    def candidate(self, name: str, filled: Filled) -> Candidate:
        """A candidate that does the job in a process of its own and gives its records a second."""
        python = self.peers_python if name in PEERS else Path(sys.executable)

        async def run() -> float:
            outcome = await _run(python, f"benchmarks.candidates.{MODULES[name]}", filled.task)
            if (outcome.records, outcome.checksum) != (filled.task.records, filled.checksum):
                raise Fatal(f"{name} came to other windows: {outcome}")
            self.outcomes.setdefault(name, []).append(outcome)
            return outcome.records / outcome.seconds

        return run

    def cpu(self) -> dict[str, list[float]]:
        """Microseconds of CPU that a record took, of all threads, by candidate and run."""
        return {
            name: [1e6 * outcome.cpu_seconds / outcome.records for outcome in outcomes]
            for name, outcomes in self.outcomes.items()
        }

    def versions(self) -> dict[str, str]:
        """The versions of all packages that took part."""
        return {package: version for told in self.outcomes.values() for package, version in told[0].versions.items()}


async def _run(python: Path, module: str, task: Task) -> Outcome:
    pipe = asyncio.subprocess.PIPE  # of standard error too: the peers' dependencies warn of one another
    process = await asyncio.create_subprocess_exec(python, "-m", module, *map(str, task), stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(RUN_SECONDS):
            printed, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Fatal(f"{module} ended with status {process.returncode}: {said.decode(errors='replace')}")
    return msgspec.json.decode(printed.splitlines()[-1], type=Outcome)


async def fill(kafka: KafkaAccess, prefix: str, days: int, given: Namespace) -> Filled:
    """Make a topic and publish so many days of closes."""
    await ensure_topics(kafka, prefix, given.partitions, 1)
    task = Task(kafka.servers, f"{prefix}prices.closes", given.instruments * days, given.collect_after)
    job, events, publisher = Job(task.records), closes(given.instruments, days), Publisher(kafka)
    while batch := list(islice(events, PUBLISH_RECORDS)):
        keys, values = [event.instrument_id.encode() for event in batch], [encode(event) for event in batch]
        await publisher.publish([Outgoing(task.topic, *record) for record in zip(keys, values, strict=True)])
        job.handle_many(values)
    await publisher.stop()
    return Filled(task, job.outcome().checksum)


async def measure(kafka: KafkaAccess, given: Namespace) -> Report:
    """Fill the topics, let the candidates read them by turns, and compare the best of each."""
    full = await fill(kafka, "bench-", given.days, given)
    tenth = await fill(kafka, "bench-tenth-", given.days // FAUST_SHARE, given)
    runs = Runs(given.peers_python)
    candidates = {name: runs.candidate(name, tenth if name == FAUST else full) for name in MODULES}
    measured = await alternate(candidates, given.rounds)
    return Report(
        benchmark="stream",
        job={
            "closes": full.task.records,
            "for stock Faust": tenth.task.records,
            "instruments": given.instruments,
            "partitions": given.partitions,
            "collector": given.collect_after or "as it comes",
        },
        runs=given.rounds,
        figures=figures(measured, runs.cpu()),
        machine=machine(),
        versions=versions(**runs.versions(), kafka=kafka_version()),
        at=SystemClock().now(),
    )


def figures(measured: Mapping[str, Sequence[float]], cpu: Mapping[str, Sequence[float]]) -> list[Figure]:
    """The best rate of each, the CPU it took, and this transport's rate as a multiple of each other's."""
    best = {name: max(rates) for name, rates in measured.items()}
    names = sorted(best, key=best.__getitem__)
    return [
        *(Figure(name, best[name], "/s", measured=measured[name]) for name in names),
        *(Figure(f"{name}, CPU a close", min(cpu[name]), "µs", measured=cpu[name]) for name in names),
        *(Figure(f"{THIS} / {name}", best[THIS] / best[name], "x", least) for name, least in TARGETS.items()),
    ]


def main() -> None:
    """Read the arguments, start a broker, measure, stop it."""
    arguments = parser(__doc__, rounds=5)
    arguments.add_argument("--instruments", type=int, default=500)
    arguments.add_argument("--days", type=int, default=2_000)
    arguments.add_argument("--partitions", type=int, default=8)
    arguments.add_argument("--peers-python", type=Path, default=Path(".venv-bench/bin/python"))
    arguments.add_argument(
        "--collect-after",
        type=int,
        default=0,
        help="set the garbage collector of every candidate to look after so many objects; 0: leave each as it comes",
    )
    given = arguments.parse_args()
    with services() as endpoints:
        publish(asyncio.run(measure(endpoints.kafka, given)), given.json_lines)


if __name__ == "__main__":
    main()
