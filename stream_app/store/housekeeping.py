"""How large the tables are, and removing what no answer depends on: in small transactions, while workers run."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass

from stream_app.store.database import Connection, Pool, connection, transaction

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
