"""Connections, models and migrations: what may be waited for, and what a person has to mend, in one sentence."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import asyncpg
import numpy as np
import psutil
import pytest

from stream_app.embedded import Endpoints
from stream_app.errors import Away, Fatal, Retriable
from stream_app.store import database, migrate, models, numeric_windows
from stream_app.store.database import Connection, Pool, ask, connect, connection, create_pool, transaction
from stream_app.store.models import Model
from stream_app.store.numeric_windows import WindowVectors
from tests.faults.slow_postgres import SlowPostgres

DEADLINE_SECONDS = 20.0
MODEL = Model("num-regime-core-v1", "numeric", 384, "abc")


async def test_an_absent_postgres_is_worth_waiting_for(database_url: str) -> None:
    nowhere = database_url.replace(f":{database_url.rpartition(':')[2].partition('/')[0]}/", ":1/")
    with pytest.raises(Retriable, match="Postgres is away"):
        await connect(nowhere)
    pool = await create_pool(nowhere)
    with pytest.raises(Retriable, match="Postgres is away"):
        async with connection(pool) as conn:
            await conn.execute("SELECT 1")
    with pytest.raises(Retriable):
        await migrate.status(nowhere)
    await pool.close()


async def test_a_database_that_does_not_exist_is_fatal(endpoints: Endpoints) -> None:
    with pytest.raises(Fatal, match=r'^Postgres has no such database: database "nowhere" does not exist\.$'):
        await connect(endpoints.database_url.rpartition("/")[0] + "/nowhere")


async def test_a_missing_table_names_the_command_that_makes_it(pool: Pool) -> None:
    async with connection(pool) as conn:
        await conn.execute("DROP TABLE models")
    with pytest.raises(
        Fatal, match=r'lacks a table \(relation "models" does not exist\): run `stream-app db upgrade`\.$'
    ):
        async with transaction(pool) as conn:
            await models.register(conn, MODEL)


async def test_a_pool_that_reads_writes_nothing_and_gives_up_what_takes_too_long(database_url: str) -> None:
    reading = await create_pool(database_url, reading_seconds=0.1)
    with pytest.raises(Retriable, match=r"^Postgres refused for now: ReadOnlySQLTransactionError"):
        async with connection(reading) as conn:
            await conn.execute("DELETE FROM models")
    with pytest.raises(Retriable, match=r"^Postgres refused for now: QueryCanceledError") as refused:
        async with connection(reading) as conn:
            await conn.execute("SELECT pg_sleep(60)")
    assert not isinstance(refused.value, Away)
    await reading.close()


async def test_a_connection_that_was_cut_is_worth_waiting_for_and_the_pool_goes_on(pool: Pool) -> None:
    with pytest.raises(Retriable):
        async with transaction(pool) as conn, connection(pool) as other:
            await other.execute("SELECT pg_terminate_backend($1)", conn.get_server_pid())
            await conn.execute("SELECT 1")
    async with connection(pool) as conn:
        assert await conn.fetchval("SELECT 1") == 1


async def test_a_transaction_that_stands_still_lets_its_locks_go_and_is_worth_another_try(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "STALLED_SECONDS", 0.2)
    stalling = await create_pool(database_url)
    with pytest.raises(Retriable):
        async with transaction(stalling) as stalled:
            await models.register(stalled, MODEL)
            async with transaction(pool) as conn:
                await conn.execute("LOCK TABLE models")  # waits until the other transaction is undone
                assert await conn.fetchval("SELECT count(*) FROM models") == 0
            await stalled.execute("SELECT 1")
    async with connection(stalling) as conn:
        assert await conn.fetchval("SELECT 1") == 1
    await stalling.close()


async def test_a_connection_on_which_the_server_has_taken_its_leave_is_worth_waiting_for(pool: Pool) -> None:
    with pytest.raises(Away, match=r"^Postgres is away: InternalClientError: cannot switch to state 15"):
        async with connection(pool):
            raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    with pytest.raises(asyncpg.InternalClientError):
        async with connection(pool):
            raise asyncpg.InternalClientError("another fault of asyncpg")


@pytest.mark.parametrize("given", [connection, transaction])
async def test_what_fails_after_that_is_no_fault_of_its_own_and_the_pool_goes_on(
    pool: Pool, given: Callable[[Pool], AbstractAsyncContextManager[Connection]]
) -> None:
    """A savepoint's ROLLBACK, or the reset of a connection that is given back."""
    with pytest.raises(Away, match=r"another operation is in progress$"):
        async with given(pool) as conn:
            try:
                raise asyncpg.InternalClientError("cannot switch to state 21; another operation (2) is in progress")
            finally:
                raise asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
    assert conn._con is None, "it was given back"
    assert pool.get_size() == 0, "it was closed, not kept"
    with pytest.raises(asyncpg.InterfaceError):
        async with given(pool):
            raise asyncpg.InterfaceError("cannot perform operation: another operation is in progress")


async def test_a_server_that_hangs_is_away_and_asked_over_another_connection(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ANSWER_SECONDS", 0.5)
    async with connection(pool) as conn:
        server = psutil.Process(conn.get_server_pid())
    server.suspend()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            with pytest.raises(Away, match=r"^Postgres is away: it has not answered in 0\.5 s$"):
                await ask(pool)
            await ask(pool)
    finally:
        server.resume()


@pytest.mark.parametrize("given", [connection, transaction])
async def test_who_gives_up_a_server_that_hangs_does_not_wait_for_it_and_the_pool_goes_on(
    database_url: str, given: Callable[[Pool], AbstractAsyncContextManager[Connection]]
) -> None:
    pool = await create_pool(database_url, reading_seconds=DEADLINE_SECONDS)
    async with connection(pool) as conn:
        server = psutil.Process(conn.get_server_pid())
    asyncio.get_running_loop().call_later(DEADLINE_SECONDS, server.resume)  # whoever waits for it has failed by then
    try:
        async with asyncio.timeout(DEADLINE_SECONDS) as deadline:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5), given(pool) as conn:
                    server.suspend()
                    await conn.fetchval("SELECT 1")
            assert not deadline.expired()
            async with given(pool) as conn:
                assert await conn.fetchval("SELECT 1") == 1
    finally:
        server.resume()
    await pool.close()


async def test_a_slow_server_is_not_away_although_a_new_connection_takes_longer_than_an_answer_may(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ANSWER_SECONDS", 2.0)
    async with SlowPostgres(database_url).serving() as slow:
        slow.delay_seconds = 0.4
        pool = await create_pool(slow.database_url)
        began = time.monotonic()
        await ask(pool)
        assert time.monotonic() - began > database.ANSWER_SECONDS
        await pool.close()


async def test_a_statement_that_is_wrong_is_neither(pool: Pool) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        async with connection(pool) as conn:
            await conn.execute("SELEC 1")


async def test_a_transaction_that_fails_leaves_nothing(pool: Pool) -> None:
    async def register_and_fail() -> None:
        async with transaction(pool) as conn:
            await models.register(conn, MODEL)
            raise ValueError

    with pytest.raises(ValueError):
        await register_and_fail()
    async with connection(pool) as conn:
        assert await models.fingerprint(conn, MODEL.model_id) is None


async def test_a_models_id_stands_for_one_fingerprint(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await models.register(conn, MODEL)
        await models.register(conn, MODEL)
        assert await models.fingerprint(conn, MODEL.model_id) == "abc"
        with pytest.raises(Fatal, match="numeric model num-regime-core-v1 is not the one this database's vectors"):
            await models.register(conn, Model(MODEL.model_id, "numeric", 384, "xyz"))
        assert await models.fingerprint(conn, MODEL.model_id) == "abc"


@pytest.fixture
async def empty_url(database_url: str) -> str:
    """A database without any table."""
    conn = await connect(database_url)
    await conn.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await conn.close()
    return database_url


async def test_an_empty_database_is_upgraded_once_whoever_and_however_many_ask(empty_url: str) -> None:
    before = await migrate.status(empty_url)
    assert (before.current, before.up_to_date) == (None, False)
    found = await asyncio.gather(*[migrate.upgrade(empty_url) for _ in range(4)])
    assert {status.up_to_date for status in found} == {True}
    assert await migrate.upgrade(empty_url) == await migrate.status(empty_url) == found[0]


async def test_windows_come_back_bit_for_bit_with_the_first_and_the_last_day_of_an_event(pool: Pool) -> None:
    days = np.array(["1678-01-01", "1999-12-31", "2000-01-01", "2261-12-31"], dtype="datetime64[D]")
    first, last = days[0].item(), days[3].item()
    matrix = np.random.default_rng(3).normal(size=(4, 384)).astype(np.float32)
    made = WindowVectors(["A", "A", "B", "A"], days, np.array([54, 55, 63, 63]), matrix)
    async with transaction(pool) as conn:
        await numeric_windows.put(conn, numeric_windows.packed(MODEL.model_id, 63, made))
        await numeric_windows.put(conn, numeric_windows.packed(MODEL.model_id, 63, made))
        found = await numeric_windows.stored(
            conn, MODEL.model_id, 63, [("A", days[1].item()), ("B", first), ("C", first)]
        )
        assert found.instruments == ["A", "A", "B"]
        assert found.as_ofs.tolist() == days[[1, 3, 2]].tolist()
        assert found.rows.tolist() == [55, 63, 63]
        assert found.vectors.tobytes() == matrix[[1, 3, 2]].tobytes()
        await numeric_windows.remove(conn, MODEL.model_id, 63, [("A", last), ("B", last)])
        assert await conn.fetchval("SELECT count(*) FROM numeric_window_embeddings") == 3
        assert len(await numeric_windows.stored(conn, MODEL.model_id, 63, [])) == 0
