"""The demo's worker: a process as `stream-app worker` starts it, with its log in a file."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stream_app.config import OF_A_LOGIN, OF_TLS, PACKAGED_REGIONS, PREFIX
from stream_app.demo.place import Place
from stream_app.embedded import Endpoints
from stream_app.errors import Fatal
from stream_app.ingest.workers import watching_workers

READY_SECONDS = 300.0
POLL_SECONDS = 0.25
STOP_SECONDS = 40.0
LAST_LINES = 12


@contextmanager
def worker(
    place: Place, endpoints: Endpoints, config: Path | None, models_file: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker on these services, drained at the end; in a session of its own, so that Ctrl-C does not reach it."""
    settings = {
        "KAFKA_URL": endpoints.kafka.servers,
        "DATABASE_URL": endpoints.database_url,
        "REGIONS": str(PACKAGED_REGIONS),
        "MODELS_FILE": str(models_file),
        "TOPIC_PREFIX": "",
        "KAFKA_SECURITY_PROTOCOL": endpoints.kafka.protocol,
        # how the user's own services are logged in to
        **dict.fromkeys((name.upper() for name in (*OF_A_LOGIN, *OF_TLS, "database_password_file")), ""),
    }
    first = [] if config is None else ["--config", str(config)]
    # -P: not what lies in the current folder, which may have its own `agents`, `schemas` or `migrations`.
    command = [sys.executable, "-P", "-m", "stream_app", *first, *place.worker_arguments]
    with (
        place.worker_log.open("wb") as log,
        subprocess.Popen(
            command,
            env=os.environ | {f"{PREFIX}{name}": value for name, value in settings.items()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            place.worker_pid.write_text(str(process.pid))
            yield process
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


async def until_ready(process: "subprocess.Popen[bytes]", endpoints: Endpoints) -> None:
    """Return once every stage has its partitions, as Kafka says. Raises Fatal if the worker ends or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    async with watching_workers(endpoints.kafka, "") as watch:
        while not await watch.ready():
            if process.poll() is not None:
                raise Fatal(f"The worker ended with code {process.returncode} before it was ready.")
            if time.monotonic() > deadline:
                raise Fatal(f"The worker was not ready within {READY_SECONDS:.0f} s.")
            await asyncio.sleep(POLL_SECONDS)


def last_lines(log: Path) -> Sequence[str]:
    """The end of the worker's log."""
    return log.read_text(errors="replace").splitlines()[-LAST_LINES:] if log.exists() else []
