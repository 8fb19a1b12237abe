"""Locks under which one process of all that share the database does something."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import IntEnum

import asyncpg

from stream_app.errors import Away
from stream_app.store.database import Connection, errors_told_apart

BOUNDED = "SELECT set_config('idle_session_timeout', $1, false)"


class ProcessLock(IntEnum):
    """What only one process at a time does, with its key among Postgres's advisory locks."""

    CLOSING = 0x636C6F736572  # "closer"
    REPLAYING = 0x7265706C6179  # "replay"
    REQUEUEING = 0x6C6574746572  # "letter"


@asynccontextmanager
async def held(
    connection: Connection, lock: ProcessLock, *, longest_seconds: float | None = None
) -> AsyncIterator[bool]:
    """Whether this connection got the lock; it is given back on leaving, and by Postgres if the connection is lost.

    With `longest_seconds`, for a connection of the pool, Postgres takes both back after that time, for a process that
    has stopped would keep them for ever.
    """
    if longest_seconds is not None:
        await connection.execute(BOUNDED, f"{1000 * longest_seconds:.0f}ms")
    locked = await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock.value)
    try:
        yield locked
    finally:
        if locked:
            # A lost connection has lost the lock as well; what was done under it may yet have ended well.
            try:
                async with errors_told_apart():
                    await connection.execute("SELECT pg_advisory_unlock($1)", lock.value)
            except Away:
                # One that does not know yet that it is lost would fail again in its pool's hands.
                with suppress(asyncpg.InterfaceError):
                    connection.terminate()
