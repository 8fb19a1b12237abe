"""All stages of a worker, each a process of its own: started together, drained together."""

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from stream_app.health import Crew

DRAINED = (0, -signal.SIGTERM)
"""Exit codes of a child that ended as it was asked to; the second if it had not begun to listen for signals."""

log = logging.getLogger(__name__)


async def supervise(arguments: Mapping[str, Sequence[str]], environment: Mapping[str, str], crew: Crew) -> int:
    """Run a process for each stage, given its arguments to `python -m stream_app`; the exit code for all of them.

    `environment` is added to this process's own.

    SIGTERM and SIGINT drain every process, and a second one kills them. A process that ends by itself ends the others,
    and the result is not 0. Each child's standard input closes when this process dies, which ends it too. What the
    children tell of their health goes to `crew`.
    """
    with ExitStack() as pipes:
        children = [await _start(stage, words, environment, crew, pipes) for stage, words in arguments.items()]
        return await _until_ended(children)


async def _until_ended(children: Sequence[Process]) -> int:
    signals = _Signals(children)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.arrived)
    waits = [asyncio.ensure_future(child.wait()) for child in children]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    asked = signals.count > 0
    if not asked:
        log.error("a stage ended unexpectedly; the others are drained")
        signals.drain()
    codes = await asyncio.gather(*waits)
    return 0 if asked and all(code in DRAINED for code in codes) else 1


async def _start(
    stage: str, arguments: Sequence[str], environment: Mapping[str, str], crew: Crew, pipes: ExitStack
) -> Process:
    reading, writing = os.pipe()
    hearing, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: _Lines(partial(crew.heard, stage)), os.fdopen(reading, "rb", buffering=0)
    )
    pipes.callback(hearing.close)
    try:
        # -P: not what lies in the current folder, which may have its own `agents`, `schemas` or `migrations`.
        command = [sys.executable, "-P", "-m", "stream_app", *arguments, "--supervised", str(writing)]
        child = await asyncio.create_subprocess_exec(
            *command, env=os.environ | environment, stdin=asyncio.subprocess.PIPE, pass_fds=(writing,)
        )
    finally:
        os.close(writing)
    crew.started(stage)
    return child


class _Lines(asyncio.Protocol):
    """Hands on each whole line of a pipe."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._begun = b""

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._take(line)


class _Signals:
    """Passes signals on: the first drains, the second kills."""

    def __init__(self, children: Sequence[Process]) -> None:
        self._children = children
        self.count = 0

    def arrived(self) -> None:
        """SIGTERM or SIGINT came."""
        self.count += 1
        if self.count == 1:
            self.drain()
        else:
            self._send(signal.SIGKILL)

    def drain(self) -> None:
        """Let every process finish its chunk."""
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.returncode is None:
                child.send_signal(number)
