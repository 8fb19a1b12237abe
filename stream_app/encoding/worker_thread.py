"""One thread in which calls run in order, and which never holds up the end of the process."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class WorkerThread:
    """Runs calls one after the other. The thread is a daemon: the interpreter waits for an executor's threads when it
    exits, so that a call that hangs in one would keep a worker from ending."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], Answer]) -> Future[Answer]:
        """Queues the call; the future holds what it returns or raises. RuntimeError after `close`."""
        if self._closed:
            raise RuntimeError("The thread is closed.")
        future: Future[Answer] = Future()
        self._calls.put((future, call))
        return future

    def close(self, wait_seconds: float) -> None:
        """Lets the thread end after the calls that are queued, and waits for that as long as told."""
        self._closed = True
        self._calls.put(None)
        self._thread.join(wait_seconds)

    def _run(self) -> None:
        while (queued := self._calls.get()) is not None:
            future, call = queued
            if not future.set_running_or_notify_cancel():
                continue
            try:
                answer = call()
            except BaseException as error:  # the waiting coroutine raises it
                future.set_exception(error)
            else:
                future.set_result(answer)
