"""Locks under which one process of all that share the database does something."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import IntEnum

import asyncpg

from stream_app.errors import Away
from stream_app.store.database import Connection, errors_told_apart


class ProcessLock(IntEnum):
    """What only one process at a time does, with its key among Postgres's advisory locks."""

    CLOSING = 0x636C6F736572  # "closer"
    REPLAYING = 0x7265706C6179  # "replay"
    REQUEUEING = 0x6C6574746572  # "letter"


@asynccontextmanager
async def held(connection: Connection, lock: ProcessLock) -> AsyncIterator[bool]:
    """Whether this connection got the lock; it is given back on leaving, and by Postgres if the connection is lost."""
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
