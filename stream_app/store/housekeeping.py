"""How large the tables are, and removing what no answer depends on: in small transactions, while workers run."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass

from stream_app.store.database import Connection, Pool, connection, transaction
from stream_app.store.dead_letters import time_ms

SIZES = """
    SELECT relname AS name, pg_total_relation_size(oid) AS bytes, greatest(reltuples, 0)::bigint AS rows
    FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY bytes DESC, name
"""
COUNT_WINDOWS = "SELECT count(*) FROM numeric_window_embeddings WHERE as_of_date < $1"
NEXT_INSTRUMENT = """
    SELECT entity_id FROM numeric_window_embeddings
    WHERE entity_type = 'INSTRUMENT' AND entity_id > $1 ORDER BY entity_id LIMIT 1
"""
# A row that a worker is replacing is passed over, so that neither waits for the other.
REMOVE_WINDOWS = """
    WITH old AS (
        SELECT ctid FROM numeric_window_embeddings
        WHERE entity_type = 'INSTRUMENT' AND entity_id = $1 AND as_of_date < $2 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM numeric_window_embeddings w USING old WHERE w.ctid = old.ctid
"""
# Of letters that nothing waits for, and that are on their topic.
_OLD_LETTERS = """
    published AND (requeued_at IS NOT NULL OR discarded_at IS NOT NULL) AND log_timestamp_ms < $1
"""
COUNT_LETTERS = f"SELECT count(*) FROM dead_letters WHERE {_OLD_LETTERS}"
REMOVE_LETTERS = f"""
    WITH old AS (SELECT ctid FROM dead_letters WHERE {_OLD_LETTERS} LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM dead_letters d USING old WHERE d.ctid = old.ctid
"""
LETTERS_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table with its indexes, in bytes; `rows` as Postgres estimated them last."""

    name: str
    bytes: int
    rows: int


async def sizes(connection: Connection) -> list[TableSize]:
    """Every table of the database, the largest first."""
    return [TableSize(*row) for row in await connection.fetch(SIZES)]


async def count_windows(connection: Connection, before: dt.date) -> int:
    """How many numeric windows are as of a day before this one."""
    return int(await connection.fetchval(COUNT_WINDOWS, before))


async def remove_windows(pool: Pool, before: dt.date) -> AsyncIterator[int]:
    """Remove the numeric windows as of days before this one, an instrument a transaction; how many of each."""
    instrument = ""
    while True:
        async with connection(pool) as conn:
            instrument = await conn.fetchval(NEXT_INSTRUMENT, instrument)
        if instrument is None:
            return
        async with transaction(pool) as conn:
            done: str = await conn.execute(REMOVE_WINDOWS, instrument, before)
        yield int(done.removeprefix("DELETE "))


async def count_letters(connection: Connection, before: dt.datetime) -> int:
    """How many dead letters received before this time were sent again or discarded."""
    return int(await connection.fetchval(COUNT_LETTERS, time_ms(before)))


async def remove_letters(pool: Pool, before: dt.datetime) -> AsyncIterator[int]:
    """Remove the dead letters received before this time that were sent again or discarded; how many at a time."""
    while True:
        async with transaction(pool) as conn:
            done: str = await conn.execute(REMOVE_LETTERS, time_ms(before), LETTERS_AT_A_TIME)
        removed = int(done.removeprefix("DELETE "))
        yield removed
        if removed < LETTERS_AT_A_TIME:
            return
