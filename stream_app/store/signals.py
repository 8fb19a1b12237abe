"""The signal that there may be something to compute, from any process to every computing task, by NOTIFY."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from stream_app.store.database import Connection, close_what_may_be_lost, connect, errors_told_apart

CHANNEL = "stream_app_work"
NOTIFY = f"NOTIFY {CHANNEL}"


async def notify(connection: Connection) -> None:
    """Wake the computing tasks when this transaction commits."""
    await connection.execute(NOTIFY)


class WorkSignal:
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
async def listening(database_url: str, signal: WorkSignal) -> AsyncIterator[Connection]:
    """Ring `signal` at every notification while the connection lives."""
    connection = await connect(database_url)
    try:
        async with errors_told_apart():
            await connection.add_listener(CHANNEL, signal.ring)
        yield connection
    finally:
        await close_what_may_be_lost(connection)
