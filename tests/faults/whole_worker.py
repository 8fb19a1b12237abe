"""`stream-app worker`, all stages, as a process whose health endpoint and log a test reads."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil

from tests.faults.actions import note
from tests.faults.settled import SETTLE_SECONDS
from tests.faults.workers import END_SECONDS, QUICK, STAGES
from tests.integration.pipeline import until

ANSWER_SECONDS = 10.0
TAIL_EVENTS = 30
HEALTH = re.compile(r"health is answered at http://([0-9.]+):([0-9]+)/livez")
OWN = {"HEALTH_PORT": "0", "HEALTH_STALL_SECONDS": "5", "LOG_FORMAT": "json", "CHUNK_RECORDS": "100"}

Missing = dict[str, set[str]]
"""By stage, what it waits for."""
Event = dict[str, str]
"""A line of the log: time, level, stage, message."""


class WholeWorker:
    """A running worker. Its log is a file."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self._log = log

    def events(self) -> list[Event]:
        """The log so far, its whole lines; not what a tokenizer's library writes of itself when a text breaks it."""
        lines = self._log.read_bytes().rpartition(b"\n")[0].splitlines()
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def told(self, words: str) -> list[str]:
        """The processes that have logged these words, once for each time."""
        return [event["stage"] for event in self.events() if words in event["message"]]

    def stage(self, name: str) -> psutil.Process:
        """The process of a stage."""
        return next(child for child in psutil.Process(self.process.pid).children() if name in child.cmdline())

    async def missing(self) -> Missing | None:
        """What `/readyz` says is missing, by stage where anything is; None while nothing answers."""
        if (told := await self._ask("/readyz")) is None:
            return None
        status, body = told
        missing = {stage: set(of["missing"]) for stage, of in body["stages"].items() if not of["ready"]}
        assert (status, body["ready"]) == ((503, False) if missing else (200, True))
        return missing

    async def dead(self) -> set[str] | None:
        """The stages that `/livez` says are not alive; None while nothing answers."""
        if (told := await self._ask("/livez")) is None:
            return None
        status, body = told
        dead = {stage for stage, of in body["stages"].items() if not of["alive"]}
        assert (status, body["alive"]) == ((503, False) if dead else (200, True))
        return dead

    async def _ask(self, path: str) -> tuple[int, dict[str, Any]] | None:
        events = self.events()
        assert self.process.poll() is None, f"the worker ended: {events[-TAIL_EVENTS:]}"
        found = next(filter(None, (HEALTH.search(event["message"]) for event in events)), None)
        return None if found is None else await asyncio.to_thread(_answer, found[1], int(found[2]), path)

    async def until_missing(self, fact: Callable[[Missing], bool], what: str) -> None:
        """Wait until what `/readyz` says is so."""

        async def so() -> bool:
            missing = await self.missing()
            return missing is not None and fact(missing)

        await until(so, what, SETTLE_SECONDS)

    async def until_ready(self) -> None:
        """Wait until nothing is missing."""
        await self.until_missing(lambda missing: not missing, "the worker is ready")

    async def until_all_lack(self, service: str) -> None:
        """Wait until every stage says that it waits for the service, and all of them live."""
        await self.until_missing(
            lambda missing: set(missing) == set(STAGES) and all(service in of for of in missing.values()),
            f"every stage says that {service} is away",
        )
        assert await self.dead() == set()

    async def ends_with_0(self, number: signal.Signals = signal.SIGTERM, seconds: float = END_SECONDS) -> None:
        """A signal drains it."""
        note(f"{number.name} to the worker {self.process.pid}")
        self.process.send_signal(number)
        assert await asyncio.to_thread(self.process.wait, seconds) == 0


def _answer(host: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    """The status and the answer."""
    with closing(HTTPConnection(host, port, timeout=ANSWER_SECONDS)) as asking:
        asking.request("GET", path)
        response = asking.getresponse()
        return response.status, json.load(response)


@contextmanager
def whole_worker(settings: Mapping[str, str], log: Path) -> Iterator[WholeWorker]:
    """A worker with these settings, named without their prefix; killed if the block leaves it running."""
    given = {f"STREAM_APP_{name}": value for name, value in {**QUICK, **OWN, **settings}.items()}
    command = [sys.executable, "-m", "stream_app", "worker"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, env=os.environ | given, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process,
    ):
        note(f"start the worker {process.pid}, all stages")
        try:
            yield WholeWorker(process, log)
        finally:
            process.kill()
