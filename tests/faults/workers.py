"""Real processes of the product: workers of one stage, to be killed, ended and started again, and replays."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from stream_app.failpoints import VARIABLE as FAILPOINT
from tests.faults.actions import note
from tests.faults.command_process import run
from tests.integration.pipeline import Pipeline
from tests.models_file import CORE, fingerprint_of, write_models

STAGES = ("prices", "news", "contexts")
END_SECONDS = 120.0
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


class Command:
    """A process of the command `stream-app`, running from the start on."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = " ".join(words)
        self.log = log
        self._process: ForkServerProcess = FORKED.Process(target=run, args=(words, dict(environment), str(log)))
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

    async def ended(self) -> int:
        """Wait until the process has ended; its exit code."""
        await asyncio.to_thread(self._process.join, END_SECONDS)
        assert self.exit_code is not None, f"{self.name} did not end:\n{self.tail()}"
        return self.exit_code

    def tail(self) -> str:
        """The end of what it logged."""
        return self.log.read_text(encoding="utf-8")[-TAIL_CHARACTERS:]

    def stop_at_once(self) -> None:
        """End it however it is."""
        self._process.kill()
        self._process.join()


class Worker(Command):
    """A worker of one stage."""

    def __init__(self, stage: str, environment: Mapping[str, str], log: Path) -> None:
        super().__init__(("worker", "--stage", stage), environment, log)
        self.stage = stage

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, which must be running."""
        assert self.exit_code is None, f"the {self.stage} worker had ended by itself:\n{self.tail()}"
        note(f"{number.name} to the {self.stage} worker {self.pid}")
        os.kill(self.pid, number)

    async def kill(self) -> None:
        """kill -9, proven to be what ended it."""
        self.send(signal.SIGKILL)
        await self.killed("by the test")

    async def killed(self, how: str) -> None:
        """Wait until it was killed, by its failpoint or the test."""
        assert await self.ended() == -signal.SIGKILL, f"the {self.stage} worker was not killed {how}:\n{self.tail()}"
        note(f"the {self.stage} worker {self.pid} was killed {how}", kills=1)


class Crew:
    """The workers of one test."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self._started = 0
        self.workers: list[Worker] = []

    def start(self, stage: str, failpoint: str | None = None, **settings: str) -> Worker:
        """Start a worker, with settings of its own, which dies at the failpoint, if one is named."""
        chunks = {"STREAM_APP_CHUNK_RECORDS": CHUNK_RECORDS[stage]}
        own = _variables(settings) | ({FAILPOINT: failpoint} if failpoint else {})
        again = any(worker.stage == stage and worker.exit_code is not None for worker in self.workers)
        self._started += 1
        log = self._folder / f"{self._started:02}-{stage}.log"
        self.workers.append(Worker(stage, {**chunks, **self._environment, **own}, log))
        at = f", to die at {failpoint}" if failpoint else ""
        note(f"start the {stage} worker {self.workers[-1].pid}{at}", restarts=int(again))
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

    async def replay(self, database_url: str) -> None:
        """Replay the log into another database, by the command that a user has for it."""
        note("replay the log into a fresh database")
        environment = {**self._environment, **_variables({"DATABASE_URL": database_url})}
        command = Command(("replay",), environment, self._folder / "replay.log")
        try:
            assert await command.ended() == 0, command.tail()
        finally:
            command.stop_at_once()


def _variables(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"STREAM_APP_{name}": value for name, value in settings.items()}


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
        "MODELS_FILE": str(write_models(folder, text_model=text_model, scaled_on=fingerprint_of(text_model))),
        "JOINT_MODELS": CORE,
        "NUMERIC_PUBLISH_MAX_AGE_DAYS": str(path.settings.numeric_publish_max_age_days),
        "REGIONS": str(regions_file),
    }
    workers = Crew({**environment, **_variables({**QUICK, **given, **settings})}, folder)
    try:
        yield workers
    finally:
        for worker in workers.workers:
            worker.stop_at_once()
