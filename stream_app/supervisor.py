"""All stages of a worker, each a process of its own: started together, drained together."""

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

DRAINED = (0, -signal.SIGTERM)
"""Exit codes of a child that ended as it was asked to; the second if it had not begun to listen for signals."""

log = logging.getLogger(__name__)


async def supervise(arguments: Sequence[Sequence[str]]) -> int:
    """Run a process for each list of arguments to `python -m stream_app`; the exit code for all of them.

    SIGTERM and SIGINT drain every process, and a second one kills them. A process that ends by itself ends the others,
    and the result is not 0. Each child's standard input closes when this process dies, which ends it too.
    """
    children = [await _start(each) for each in arguments]
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


async def _start(arguments: Sequence[str]) -> asyncio.subprocess.Process:
    # -P: not what lies in the current folder, which may have its own `agents`, `schemas` or `migrations`.
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "stream_app", *arguments, stdin=asyncio.subprocess.PIPE
    )


class _Signals:
    """Passes signals on: the first drains, the second kills."""

    def __init__(self, children: Sequence[asyncio.subprocess.Process]) -> None:
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
