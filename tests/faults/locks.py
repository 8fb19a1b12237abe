"""Transactions that hang for as long as the test wants, so that a fault finds them open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stream_app.store.database import transaction
from tests.integration.pipeline import Pipeline, until

BLOCKED = "SELECT count(*) FROM pg_locks WHERE relation = $1::text::regclass AND NOT granted"


@asynccontextmanager
async def writes_blocked(path: Pipeline, *tables: str) -> AsyncIterator[None]:
    """Nobody can write to the tables; on entering nobody tries to."""
    async with transaction(path.services.pool) as conn:
        await conn.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE MODE")
        yield


async def blocked(path: Pipeline, table: str) -> None:
    """Wait until a transaction hangs in a write to the table."""

    async def hangs() -> bool:
        return bool(await path.value(BLOCKED, table))

    await until(hangs, f"a transaction writes to {table}")
