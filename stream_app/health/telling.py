"""A stage tells its supervisor how it is, a line of JSON each second through a pipe, from a thread of its own."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from stream_app.health.report import StageReport

TELL_SECONDS = 1.0


@contextmanager
def telling(descriptor: int, report: Callable[[], StageReport]) -> Iterator[None]:
    """Write reports to the pipe until the end of the block; a supervisor that has gone is told nothing more."""
    ended = threading.Event()

    def tell() -> None:
        with open(descriptor, "wb", buffering=0) as pipe:
            while not ended.is_set():
                try:
                    pipe.write(msgspec.json.encode(report()) + b"\n")
                except BrokenPipeError:
                    return
                ended.wait(TELL_SECONDS)

    os.set_inheritable(descriptor, False)
    # a daemon: a supervisor that does not read keeps no stage from ending
    threading.Thread(target=tell, name="health", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
