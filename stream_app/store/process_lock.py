"""Locks under which one process of all that share the database does something."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum

from stream_app.store.database import Connection


class ProcessLock(IntEnum):
    """What only one process at a time does, with its key among Postgres's advisory locks."""

    CLOSING = 0x636C6F736572  # "closer"
    REPLAYING = 0x7265706C6179  # "replay"


@asynccontextmanager
async def held(connection: Connection, lock: ProcessLock) -> AsyncIterator[bool]:
    """Whether this connection got the lock; it is given back on leaving, and by Postgres if the process dies."""
    locked = await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock.value)
    try:
        yield locked
    finally:
        if locked and not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", lock.value)
