"""Threads that take calls in order, and which never hold up the end of the process."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class WorkerThreads:
    """Runs calls in the order they come, as many at a time as there are threads.

    The threads are daemons: the interpreter waits for an executor's threads when it exits, so that a call that hangs in
    one would keep a worker from ending.
    """

    def __init__(self, name: str, count: int = 1, initializer: Callable[[], None] = lambda: None) -> None:
        """Each thread begins with `initializer`."""
        self.count = count
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._closed = False
        self._initializer = initializer
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, call: Callable[[], Answer]) -> Future[Answer]:
        """Queues the call; the future holds what it returns or raises. RuntimeError after `close`."""
        if self._closed:
            raise RuntimeError("The threads are closed.")
        future: Future[Answer] = Future()
        self._calls.put((future, call))
        return future

    def close(self, wait_seconds: float) -> None:
        """Lets the threads end after the calls that are queued, and waits for that as long as told."""
        self._closed = True
        for _ in self._threads:
            self._calls.put(None)
        until = time.monotonic() + wait_seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        self._initializer()
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
