"""A client that has stopped in the middle of a statement holds up nobody for ever."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest

from stream_app.store.database import Connection, Pool, connect
from stream_app.store.stalled import end_stalled
from tests.integration.pipeline import until

INSERT = "INSERT INTO regions (region) VALUES ('US') ON CONFLICT DO NOTHING"
WAITING = "SELECT count(*) = $1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = $2"
LONG_SECONDS = 60.0


async def waits(connection: Connection, event: str, count: int) -> bool:
    """Whether so many backends wait for this while they are busy."""
    return bool(await connection.fetchval(WAITING + " AND state = 'active'", count, event))


async def one_row_and_no_more(stopped: asyncio.Event) -> AsyncIterator[bytes]:
    """What a process that is stopped copies in."""
    yield b"UK\n"
    await stopped.wait()


@pytest.fixture
async def others(database_url: str) -> AsyncIterator[tuple[Connection, Connection]]:
    """One connection that stops, and one that waits for it."""
    made = await connect(database_url), await connect(database_url)
    yield made
    for each in made:
        each.terminate()


async def test_a_client_that_stopped_in_a_statement_is_ended_once_another_waits_for_its_locks(
    pool: Pool, others: tuple[Connection, Connection]
) -> None:
    stops, waits_for_it = others
    stopped = asyncio.Event()
    transaction = stops.transaction()
    await transaction.start()
    await stops.execute(INSERT)
    copying = asyncio.ensure_future(
        stops.copy_to_table("regions", source=one_row_and_no_more(stopped), columns=["region"])
    )
    async with pool.acquire() as looking:
        await until(partial(waits, looking, "ClientRead", 1), "it stands still in a COPY")
        assert await end_stalled(looking, 0.0) == [], "nobody waits for it"
        waiting = asyncio.ensure_future(waits_for_it.execute(INSERT))
        await until(partial(waits, looking, "transactionid", 1), "another waits for its row")
        assert await end_stalled(looking, LONG_SECONDS) == [], "it has not stood still for so long"
        assert await end_stalled(looking, 0.0) == [stops.get_server_pid()]
        assert await waiting == "INSERT 0 1"
    stopped.set()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await copying
