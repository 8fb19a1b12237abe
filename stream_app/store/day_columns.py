"""Many days of a region as columns, for a chart: each day's newest revision, read a chunk at a time."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas import DIM, Vector
from stream_app.store import vectors
from stream_app.store.database import Connection
from stream_app.store.exported import CHUNK_DAYS
from stream_app.store.pages import PAGES, PageQuery


class _Told(msgspec.Struct):
    """What of a context stands in the columns."""

    regime_label: str | None
    regime_confidence: float | None
    articles: int
    vector: Vector | None


_decoder = msgspec.json.Decoder(_Told)
_FILLED_IN = _Told(None, None, 0, None)


@dataclass(frozen=True, slots=True, eq=False)
class DayColumns:
    """n days, ascending; `vectors` is float32 (n, 384), NaN where a day has none.

    Of a day that a seed command filled in label, confidence and articles are not known: None.
    """

    as_of: list[dt.date]
    labels: list[str | None]
    confidences: list[float | None]
    articles: list[int | None]
    vectors: NDArray[np.float32]


async def read(connection: Connection, query: PageQuery) -> DayColumns:
    """The days of a page of any length, whatever its order. Needs an open transaction."""
    sql = PAGES[query.order]
    cursor = await connection.cursor(sql, *query.parameters())
    chunks: list[DayColumns] = []
    while rows := await cursor.fetch(CHUNK_DAYS):
        chunks.append(await asyncio.to_thread(_columns, rows))
    if query.order == "desc":
        chunks.reverse()
    return _joined(chunks)


def _columns(rows: Sequence[Any]) -> DayColumns:
    """Ascending, whatever the order of the rows."""
    if rows[0]["as_of_date"] > rows[-1]["as_of_date"]:
        rows = rows[::-1]
    told = [_FILLED_IN if row["payload"] is None else _decoder.decode(row["payload"]) for row in rows]
    matrix = np.full((len(rows), DIM), np.nan, np.float32)
    for place, (row, each) in enumerate(zip(rows, told, strict=True)):
        if each.vector is not None:
            matrix[place] = each.vector.numpy()
        elif row["vector"] is not None:
            matrix[place] = vectors.from_rows([row["vector"]], DIM)[0]
    return DayColumns(
        [row["as_of_date"] for row in rows],
        [each.regime_label for each in told],
        [each.regime_confidence for each in told],
        [None if each is _FILLED_IN else each.articles for each in told],
        matrix,
    )


def _joined(chunks: Sequence[DayColumns]) -> DayColumns:
    if not chunks:
        return DayColumns([], [], [], [], np.empty((0, DIM), np.float32))
    return DayColumns(
        [day for chunk in chunks for day in chunk.as_of],
        [label for chunk in chunks for label in chunk.labels],
        [confidence for chunk in chunks for confidence in chunk.confidences],
        [count for chunk in chunks for count in chunk.articles],
        np.concatenate([chunk.vectors for chunk in chunks]),
    )
