"""The vectors of numeric windows, one a row of an instrument that has enough rows before it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.store import vectors
from stream_app.store.database import Connection

COLUMNS = ("entity_id", "as_of_date", "model_id", "window_days", "window_spec", "rows", "vector")
INCOMING = """
    CREATE TEMP TABLE IF NOT EXISTS incoming_windows (
        entity_id text, as_of_date date, model_id text, window_days integer, window_spec jsonb, rows integer,
        vector vector(384)
    ) ON COMMIT DELETE ROWS
"""
MERGE = """
    INSERT INTO numeric_window_embeddings AS w
        (entity_id, as_of_date, model_id, window_days, window_spec, rows, vector)
    SELECT entity_id, as_of_date, model_id, window_days, window_spec, rows, vector FROM incoming_windows
    ON CONFLICT (entity_type, entity_id, as_of_date, model_id, window_days)
    DO UPDATE SET window_spec = excluded.window_spec, rows = excluded.rows, vector = excluded.vector, origin = 'live'
"""
REMOVE = """
    DELETE FROM numeric_window_embeddings w
    USING unnest($1::text[], $2::date[]) AS gone (entity_id, as_of_date)
    WHERE w.entity_type = 'INSTRUMENT' AND w.entity_id = gone.entity_id AND w.as_of_date = gone.as_of_date
        AND w.model_id = $3 AND w.window_days = $4 AND w.origin = 'live'
"""
STORED = """
    SELECT w.entity_id, w.as_of_date, w.rows, w.vector
    FROM unnest($1::text[], $2::date[]) AS wanted (entity_id, from_date)
    JOIN numeric_window_embeddings w ON w.entity_type = 'INSTRUMENT' AND w.entity_id = wanted.entity_id
        AND w.as_of_date >= wanted.from_date
    WHERE w.model_id = $3 AND w.window_days = $4 AND w.origin = 'live'
    ORDER BY w.entity_id, w.as_of_date
"""


@dataclass(frozen=True, slots=True)
class WindowVectors:
    """Vectors of windows, column by column: ids, days and observed rows of length n, vectors float32 (n, 384)."""

    instruments: list[str]
    as_ofs: list[dt.date]
    rows: list[int]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        """The number of windows."""
        return len(self.instruments)


NONE = WindowVectors([], [], [], np.zeros((0, DIM), np.float32))
"""No windows."""


async def put(connection: Connection, model_id: str, window_days: int, windows: WindowVectors) -> None:
    """Insert or replace the vectors of windows; needs an open transaction."""
    if not len(windows):
        return
    spec = {"window_days": window_days, "features": ["close", "volume", "log_return"]}
    count = len(windows)
    packed = vectors.to_rows(windows.vectors)
    records = zip(
        windows.instruments,
        windows.as_ofs,
        [model_id] * count,
        [window_days] * count,
        [spec] * count,
        windows.rows,
        packed,
        strict=True,
    )
    await connection.execute(INCOMING)
    await connection.copy_records_to_table("incoming_windows", records=records, columns=COLUMNS)
    await connection.execute(MERGE)


async def remove(connection: Connection, model_id: str, window_days: int, gone: Sequence[tuple[str, dt.date]]) -> None:
    """Delete the live vectors of (instrument, day) pairs that no longer have a price or enough rows."""
    if gone:
        ids, days = zip(*gone, strict=True)
        await connection.execute(REMOVE, list(ids), list(days), model_id, window_days)


async def stored(
    connection: Connection, model_id: str, window_days: int, wanted: Sequence[tuple[str, dt.date]]
) -> WindowVectors:
    """The live vectors of each instrument from a day on, as a redelivered record's events are made from them."""
    ids, days = zip(*wanted, strict=True) if wanted else ((), ())
    found: list[Any] = await connection.fetch(STORED, list(ids), list(days), model_id, window_days)
    return WindowVectors(
        [row["entity_id"] for row in found],
        [row["as_of_date"] for row in found],
        [row["rows"] for row in found],
        vectors.from_rows([row["vector"] for row in found], DIM),
    )
