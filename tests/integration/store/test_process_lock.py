"""What only one process at a time does, and what becomes of its lock."""

from stream_app.store.database import Pool, connection
from stream_app.store.process_lock import ProcessLock, held


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
            await other.execute("SELECT pg_terminate_backend($1)", conn.get_server_pid())
            async with held(other, ProcessLock.REPLAYING) as got:
                assert got
