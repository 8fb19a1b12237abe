"""The job: decode closes, append each to its instrument's window of 63 rows. The peers' environment has this much.

Every candidate gets the same decoder and the same windows, and keeps them in its process's memory. The time is that
from the first record handled to the last: starting, joining the group and the first fetch are left out.
"""

import gc
import hashlib
import sys
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import NamedTuple

import msgspec

from schemas import PriceClose

WINDOW_ROWS = 63

decode = msgspec.json.Decoder(PriceClose).decode


class Task(NamedTuple):
    """What a candidate is told: where to read which topic, how many records it has, and how to collect garbage.

    After `collect_after` objects Python looks for cycles among the young ones; 0: as the candidate has it.
    """

    kafka_url: str
    topic: str
    records: int
    collect_after: int

    @property
    def group_id(self) -> str:
        """A consumer group that has never read: every run reads the topic from its start."""
        return f"bench-{time.time_ns()}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a candidate did. `cpu_seconds` are of all its threads; `checksum` is the windows'."""

    seconds: float
    cpu_seconds: float
    records: int
    checksum: str
    versions: dict[str, str]


class Job:
    """The windows, filled by records one at a time or many."""

    def __init__(self, records: int) -> None:
        self._windows: defaultdict[str, deque[float | None]] = defaultdict(partial(deque, maxlen=WINDOW_ROWS))
        self._records = records
        self._handled = 0
        self._began = self._ended = (0.0, 0.0)

    @property
    def done(self) -> bool:
        """Whether every record was handled."""
        return self._handled >= self._records

    def handle(self, value: bytes) -> bool:
        """Take one record; whether it was the last."""
        if not self._handled:
            self._began = _clocks()
        event = decode(value)
        self._windows[event.instrument_id].append(event.close)
        return self._count(1)

    def handle_many(self, values: Sequence[bytes]) -> bool:
        """Take many records; whether the last was among them."""
        if not self._handled:
            self._began = _clocks()
        windows = self._windows
        for value in values:
            event = decode(value)
            windows[event.instrument_id].append(event.close)
        return self._count(len(values))

    def outcome(self, *packages: str) -> Outcome:
        """What was done, with the versions of the packages it was done with."""
        windows = sorted((instrument, list(closes)) for instrument, closes in self._windows.items())
        return Outcome(
            seconds=self._ended[0] - self._began[0],
            cpu_seconds=self._ended[1] - self._began[1],
            records=self._handled,
            checksum=hashlib.sha256(msgspec.json.encode(windows)).hexdigest(),
            versions={package: version(package) for package in packages},
        )

    def _count(self, records: int) -> bool:
        self._handled += records
        if not self.done:
            return False
        self._ended = _clocks()
        return True


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def read_task() -> Task:
    """The task in the command line's arguments; the garbage collector is set by it."""
    kafka_url, topic, records, collect_after = sys.argv[1:]
    task = Task(kafka_url, topic, int(records), int(collect_after))
    if task.collect_after:
        gc.freeze()
        gc.set_threshold(task.collect_after)
    return task


def tell(outcome: Outcome) -> None:
    """Print the outcome for the process that started this one."""
    print(msgspec.json.encode(outcome).decode(), flush=True)
