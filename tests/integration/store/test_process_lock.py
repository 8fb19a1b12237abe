"""What only one process at a time does, and what becomes of its lock."""

from stream_app.store.database import Pool, connection
from stream_app.store.process_lock import ProcessLock, held
from tests.integration.pipeline import until


async def test_one_connection_at_a_time_has_the_lock(pool: Pool) -> None:
    async with connection(pool) as first, connection(pool) as second:
        async with held(first, ProcessLock.REPLAYING) as locked, held(second, ProcessLock.REPLAYING) as too:
            assert (locked, too) == (True, False)
        async with held(second, ProcessLock.REPLAYING) as locked:
            assert locked


async def test_work_that_ends_well_after_its_lock_was_lost_with_the_connection_has_ended_well(pool: Pool) -> None:
    async with connection(pool) as conn, held(conn, ProcessLock.REPLAYING) as locked:
        assert locked
        async with connection(pool) as other:

            async def lost() -> bool:
                async with held(other, ProcessLock.REPLAYING) as got:
                    return got

            await other.execute("SELECT pg_terminate_backend($1)", conn.get_server_pid())
            await until(lost, "the other has the lock")


async def test_a_lock_goes_to_another_when_a_process_that_has_stopped_keeps_it_for_too_long(pool: Pool) -> None:
    async with connection(pool) as stopped, connection(pool) as other:

        async def goes_over() -> bool:
            async with held(other, ProcessLock.CLOSING) as got:
                return got

        async with held(stopped, ProcessLock.CLOSING, longest_seconds=0.2) as locked:
            assert locked
            assert not await goes_over()
            await until(goes_over, "the other has the lock")


async def test_a_lock_that_is_given_back_in_time_leaves_the_connection_as_it_was(pool: Pool) -> None:
    async with connection(pool) as conn:
        process = conn.get_server_pid()
        async with held(conn, ProcessLock.CLOSING, longest_seconds=60):
            assert await conn.fetchval("SHOW idle_session_timeout") == "1min"
    async with connection(pool) as conn:
        assert conn.get_server_pid() == process
        assert await conn.fetchval("SHOW idle_session_timeout") == "0"
