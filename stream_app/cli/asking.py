"""One question to the database, by a command that asks nothing else of it."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from stream_app.config import Settings

Answer = TypeVar("Answer")


def ask_database(settings: "Settings", question: Callable[[Any], Awaitable[Answer]]) -> Answer:
    """Ask on a connection of its own, once the database is known to be this release's."""
    from stream_app.endpoints import find_database
    from stream_app.store.database import connect, errors_told_apart
    from stream_app.store.migrate import check

    async def asked(database_url: str) -> Answer:
        await check(database_url)
        async with errors_told_apart():
            connection = await connect(database_url)
            try:
                return await question(connection)
            finally:
                await connection.close()

    return asyncio.run(asked(find_database(settings)))
