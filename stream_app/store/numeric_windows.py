"""The vectors of numeric windows, one a row of an instrument that has enough rows before it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.store import vectors
from stream_app.store.database import Connection, jsonb
from stream_app.store.origins import LIVE, MAY_REPLACE, Origin, Standing
from stream_app.store.prices import Dates

TABLE = "numeric_window_embeddings"
COLUMNS = ("entity_id", "as_of_date", "rows", "window_days", "model_id", "window_spec", "origin", "vector")
INCOMING = """
    CREATE TEMP TABLE IF NOT EXISTS incoming_windows (
        entity_id text, as_of_date date, rows integer, window_days integer, model_id text, window_spec jsonb,
        origin text, vector vector(384)
    ) ON COMMIT DELETE ROWS
"""
MERGE = f"""
    INSERT INTO {TABLE} AS stored ({", ".join(COLUMNS)}) SELECT {", ".join(COLUMNS)} FROM incoming_windows
    ON CONFLICT (entity_type, entity_id, as_of_date, model_id, window_days) DO UPDATE SET
        window_spec = excluded.window_spec, rows = excluded.rows, vector = excluded.vector, origin = excluded.origin
    WHERE {MAY_REPLACE}
"""
EMPTY_INCOMING = "TRUNCATE incoming_windows"
REMOVE = """
    DELETE FROM numeric_window_embeddings w
    USING unnest($1::text[], $2::date[]) AS gone (entity_id, as_of_date)
    WHERE w.entity_type = 'INSTRUMENT' AND w.entity_id = gone.entity_id AND w.as_of_date = gone.as_of_date
        AND w.model_id = $3 AND w.window_days = $4 AND w.origin = $5
"""
STORED = """
    SELECT w.entity_id, w.as_of_date, w.rows, w.vector
    FROM unnest($1::text[], $2::date[]) AS wanted (entity_id, from_date)
    JOIN numeric_window_embeddings w ON w.entity_type = 'INSTRUMENT' AND w.entity_id = wanted.entity_id
        AND w.as_of_date >= wanted.from_date
    WHERE w.model_id = $3 AND w.window_days = $4 AND w.origin = 'live'
    ORDER BY w.entity_id, w.as_of_date
"""
STANDING = """
    SELECT entity_id, as_of_date, origin, vector FROM numeric_window_embeddings
    WHERE entity_type = 'INSTRUMENT' AND entity_id = ANY($1::text[]) AND as_of_date BETWEEN $2 AND $3
        AND model_id = $4 AND window_days = $5
"""


@dataclass(frozen=True, slots=True, eq=False)
class WindowVectors:
    """Vectors of windows, column by column, each of length n: `as_ofs` datetime64[D], observed `rows` int64, `vectors`
    float32 (n, 384)."""

    instruments: list[str]
    as_ofs: Dates
    rows: NDArray[np.int64]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        """The number of windows."""
        return len(self.instruments)

    def at(self, indices: NDArray[np.int64]) -> "WindowVectors":
        """Some of the windows."""
        names = [self.instruments[index] for index in indices]
        return WindowVectors(names, self.as_ofs[indices], self.rows[indices], self.vectors[indices])


def packed(model_id: str, window_days: int, windows: WindowVectors, origin: Origin = LIVE) -> bytearray:
    """The windows as `append` and `put` take them; much work for many, so fit for a thread."""
    numbers = np.empty((len(windows), 3), np.int32)
    numbers[:, 0] = (windows.as_ofs - vectors.POSTGRES_EPOCH).astype(np.int32)
    numbers[:, 1] = windows.rows
    numbers[:, 2] = window_days
    spec = jsonb({"window_days": window_days, "features": ["close", "volume", "log_return"]})
    constants = [model_id.encode(), spec, origin.encode()]
    return vectors.copy_file(windows.instruments, numbers, constants, windows.vectors)


async def append(connection: Connection, windows: bytearray) -> None:
    """Add the vectors of packed windows that are likely new, within `appending`."""
    await connection.copy_to_table(TABLE, source=windows, columns=COLUMNS, format="binary")


async def put(connection: Connection, windows: bytearray) -> None:
    """Insert the vectors of packed windows, or replace those that their origin may; needs an open transaction."""
    await connection.execute(INCOMING)
    await connection.copy_to_table("incoming_windows", source=windows, columns=COLUMNS, format="binary")
    await connection.execute(MERGE)
    await connection.execute(EMPTY_INCOMING)


async def remove(
    connection: Connection, model_id: str, window_days: int, gone: Sequence[tuple[str, dt.date]], origin: Origin = LIVE
) -> None:
    """Delete the vectors of an origin of (instrument, day) pairs that no longer have a price or enough rows."""
    if gone:
        ids, days = zip(*gone, strict=True)
        await connection.execute(REMOVE, list(ids), list(days), model_id, window_days, origin)


async def stored(
    connection: Connection, model_id: str, window_days: int, wanted: Sequence[tuple[str, dt.date]]
) -> WindowVectors:
    """The live vectors of each instrument from a day on, as a redelivered record's events are made from them."""
    ids, days = zip(*wanted, strict=True) if wanted else ((), ())
    found: list[Any] = await connection.fetch(STORED, list(ids), list(days), model_id, window_days)
    return WindowVectors(
        [row["entity_id"] for row in found],
        np.array([row["as_of_date"] for row in found], dtype="datetime64[D]"),
        np.array([row["rows"] for row in found], dtype=np.int64),
        vectors.from_rows([row["vector"] for row in found], DIM),
    )


async def standing(
    connection: Connection, model_id: str, window_days: int, instruments: Sequence[str], days: tuple[dt.date, dt.date]
) -> dict[tuple[str, dt.date], Standing]:
    """What is stored of instruments from a first to a last day (inclusive), whatever its origin."""
    found = await connection.fetch(STANDING, list(instruments), *days, model_id, window_days)
    return {(row[0], row[1]): Standing(*row[2:]) for row in found}
