"""A job in a process of its own, so that its memory is its own: `python -m benchmarks.filling.process '{…}'`."""

import asyncio
import resource
import subprocess
import sys
from dataclasses import dataclass

import msgspec

from benchmarks.filling.history import History
from benchmarks.filling.jobs import JOBS
from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.services import open_services

CORE_ALONE = {"joint_models": ["joint-regime-core-v1"]}
"""So that what is held against it, row by row, makes as many contexts."""
KIBIBYTE = 1024
"""What ru_maxrss counts in."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which job, over which history, where."""

    job: str
    history: History
    endpoints: Endpoints


@dataclass(frozen=True, slots=True)
class Ran:
    """What a job did: rows a second, and the most memory that its process ever had."""

    rate: float
    peak_bytes: int


async def in_own_process(order: Order) -> Ran:
    """Run a job and wait for it. Raises CalledProcessError when it fails; what it says is on standard error."""
    command = [sys.executable, "-m", "benchmarks.filling.process", msgspec.json.encode(order).decode()]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return msgspec.json.decode(output, type=Ran)


async def run(order: Order) -> Ran:
    """Run a job here."""
    async with open_services(load_settings(CORE_ALONE), order.endpoints) as services:
        done = await JOBS[order.job](services, order.history)
    return Ran(done.count / done.seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE)


def main() -> None:
    """Run the job of the argument and print what it did as a line of JSON."""
    ran = asyncio.run(run(msgspec.json.decode(sys.argv[1], type=Order)))
    print(msgspec.json.encode(ran).decode())


if __name__ == "__main__":
    main()
