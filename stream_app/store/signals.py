"""Signals from any process to every one that waits, by NOTIFY: there may be something to compute, or to tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

from stream_app.store.database import Connection, close_what_may_be_lost, connect, errors_told_apart

Channel = Literal["stream_app_work", "stream_app_contexts"]
WORK: Channel = "stream_app_work"
"""There may be something to compute."""
CONTEXTS: Channel = "stream_app_contexts"
"""There are new revisions of contexts."""
NOTIFY = f"NOTIFY {WORK}"
NOTIFY_CONTEXTS = f"NOTIFY {CONTEXTS}"


async def notify(connection: Connection) -> None:
    """Wake the computing tasks when this transaction commits."""
    await connection.execute(NOTIFY)


async def notify_contexts(connection: Connection) -> None:
    """Wake who tells of new revisions when this transaction commits."""
    await connection.execute(NOTIFY_CONTEXTS)


class Signal:
    """Waits for the next signal, or a poll's time."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self, *_: Any) -> None:
        """A signal arrived."""
        self._event.set()

    async def wait(self, timeout_seconds: float) -> None:
        """Return at a signal that came since the last wait, or when the time is up."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), timeout_seconds)
        self._event.clear()


@asynccontextmanager
async def listening(database_url: str, signal: Signal, channel: Channel = WORK) -> AsyncIterator[Connection]:
    """Ring `signal` at every notification of a channel while the connection lives."""
    connection = await connect(database_url)
    try:
        async with errors_told_apart():
            await connection.add_listener(channel, signal.ring)
        yield connection
    finally:
        await close_what_may_be_lost(connection)
