"""The lock under which one process at a time closes days."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stream_app.store.database import Connection

KEY = 0x636C6F736572  # "closer"


@asynccontextmanager
async def held(connection: Connection) -> AsyncIterator[bool]:
    """Whether this connection got the lock; it is given back on leaving, and by Postgres if the process dies."""
    locked = await connection.fetchval("SELECT pg_try_advisory_lock($1)", KEY)
    try:
        yield locked
    finally:
        if locked and not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", KEY)
