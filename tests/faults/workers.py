"""Real worker processes: the command `stream-app worker --stage NAME`, to be killed, ended and started again."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from stream_app.failpoints import VARIABLE as FAILPOINT
from tests.faults.stage_process import run
from tests.integration.pipeline import Pipeline

STAGES = ("prices", "news", "contexts")
END_SECONDS = 60.0
FAILURE = 1
TAIL_CHARACTERS = 3_000

# What a test cannot wait for is set to what the broker allows; chunks are small, so that many are in flight.
QUICK = {
    "SESSION_TIMEOUT_SECONDS": "6",
    "HEARTBEAT_SECONDS": "1",
    "COMMIT_INTERVAL_SECONDS": "0.3",
    "REPUBLISH_SECONDS": "0.5",
    "CLOSER_POLL_SECONDS": "0.2",
    "COMPUTE_POLL_SECONDS": "0.2",
    "AMEND_INTERVAL_SECONDS": "0.5",
}
NO_ENVIRONMENT: Mapping[str, str] = {}
CHUNK_RECORDS = {"prices": "200", "news": "2", "contexts": "1"}

FORKED = multiprocessing.get_context("forkserver")
"""Processes that have the libraries loaded when they start."""
FORKED.set_forkserver_preload(["tests.faults.warm"])


class Worker:
    """One process of one stage, running from the start on."""

    def __init__(self, stage: str, environment: Mapping[str, str], log: Path) -> None:
        self.stage = stage
        self.log = log
        self._process: ForkServerProcess = FORKED.Process(target=run, args=(stage, dict(environment), str(log)))
        self._process.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number if one killed it."""
        return self._process.exitcode

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, which must be running."""
        assert self.exit_code is None, f"the {self.stage} worker had ended by itself:\n{self.tail()}"
        os.kill(self.pid, number)

    async def ended(self) -> int:
        """Wait until the process has ended; its exit code."""
        await asyncio.to_thread(self._process.join, END_SECONDS)
        assert self.exit_code is not None, f"the {self.stage} worker did not end:\n{self.tail()}"
        return self.exit_code

    async def kill(self) -> None:
        """kill -9, proven to be what ended it."""
        self.send(signal.SIGKILL)
        assert await self.ended() == -signal.SIGKILL

    def tail(self) -> str:
        """The end of what it logged."""
        return self.log.read_text(encoding="utf-8")[-TAIL_CHARACTERS:]

    def stop_at_once(self) -> None:
        """End it however it is."""
        self._process.kill()
        self._process.join()


class Crew:
    """The workers of one test."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self._started = 0
        self.workers: list[Worker] = []

    def start(self, stage: str, failpoint: str | None = None) -> Worker:
        """Start a worker, which dies at the failpoint, if one is named."""
        chunks = {"STREAM_APP_CHUNK_RECORDS": CHUNK_RECORDS[stage]}
        dies = {FAILPOINT: failpoint} if failpoint else {}
        self._started += 1
        log = self._folder / f"{self._started:02}-{stage}.log"
        self.workers.append(Worker(stage, {**chunks, **self._environment, **dies}, log))
        return self.workers[-1]

    async def fails(self, worker: Worker) -> str:
        """Wait until a worker has ended by itself with an error; what it logged. It is not counted any more."""
        assert await worker.ended() == FAILURE, worker.tail()
        self.workers.remove(worker)
        return worker.tail()

    def running(self, stage: str) -> list[Worker]:
        """The workers of a stage that have not ended."""
        return [worker for worker in self.workers if worker.stage == stage and worker.exit_code is None]

    def check(self) -> None:
        """Fail if a worker ended by itself."""
        for worker in self.workers:
            assert worker.exit_code in (None, 0, -signal.SIGKILL), f"{worker.stage} ended:\n{worker.tail()}"


@contextmanager
def crew(
    path: Pipeline,
    text_model: Path,
    regions_file: Path,
    folder: Path,
    environment: Mapping[str, str] = NO_ENVIRONMENT,
    **settings: str,
) -> Iterator[Crew]:
    """Workers on the pipeline's topics and database, with some variables besides the settings.

    Whatever still runs at the end is killed.
    """
    given = {
        "KAFKA_URL": path.endpoints.kafka.servers,
        "DATABASE_URL": path.endpoints.database_url,
        "TOPIC_PREFIX": path.settings.topic_prefix,
        "TOPIC_PARTITIONS": str(path.settings.topic_partitions),
        "TEXT_MODEL": str(text_model),
        "REGIONS": str(regions_file),
    }
    named = {f"STREAM_APP_{name}": value for name, value in {**QUICK, **given, **settings}.items()}
    workers = Crew({**environment, **named}, folder)
    try:
        yield workers
    finally:
        for worker in workers.workers:
            worker.stop_at_once()
