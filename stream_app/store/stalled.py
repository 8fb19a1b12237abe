"""Connections of a client that has stopped in the middle of a statement, and hold locks that others wait for.

Postgres itself gives up a client that stands still between statements (`database.STALLED_SECONDS`). One that is stopped
between a statement's parts, or while it copies rows in, counts as busy for ever: no timeout of Postgres's is for it.
"""

from stream_app.store.database import STALLED_SECONDS, Connection

# A statement of ours has its parts and its rows within a second of each other, so one that has waited for its client
# since it began is of a client that has stopped. Nobody waits: it may go on when its client does.
# They are found first, and then ended: in one condition Postgres may end a backend before it asks whether it should.
END_STALLED = """
    WITH stalled AS MATERIALIZED (
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user
            AND state = 'active' AND wait_event = 'ClientRead' AND query_start < now() - make_interval(secs => $1)
            AND pid IN (
                SELECT unnest(pg_blocking_pids(waiting.pid)) FROM pg_stat_activity AS waiting
                WHERE waiting.datname = current_database() AND waiting.wait_event_type = 'Lock'))
    SELECT pid FROM stalled WHERE pg_terminate_backend(pid)
"""


async def end_stalled(connection: Connection, seconds: float = STALLED_SECONDS) -> list[int]:
    """End those that have waited for their client for so long; the process ids of their backends."""
    return [row["pid"] for row in await connection.fetch(END_STALLED, seconds)]
