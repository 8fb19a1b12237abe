"""New rows are appended, which is quicker; where one is not, or a live one may have come in, all are merged."""

from collections.abc import Awaitable, Callable

from stream_app.store.database import Connection, KeyStored, Pool, appending, transaction

Write = Callable[[Connection], Awaitable[None]]


async def write(pool: Pool, append: Write, merge: Write, all_new: bool) -> None:
    """Write rows in one transaction; `all_new` says that none was stored when it was last looked."""
    async with transaction(pool) as conn:
        if all_new:
            try:
                async with appending(conn):
                    return await append(conn)
            except KeyStored:
                pass
        await merge(conn)
