"""The most alike earlier days of each day, by the cosine of their vectors."""

import numpy as np
from numpy.typing import NDArray

from stream_app.regime.cosines import unit

LARGEST_BLOCK_CELLS = 4_000_000
"""Cosines held at a time: 32 MB."""


def earlier_days(sessions: NDArray[np.int64], queries: NDArray[np.int64], gap: int) -> NDArray[np.int64]:
    """How many of the days lie at least `gap` sessions before each query: (m,).

    `sessions` (n,) are the days' session numbers, ascending; `queries` (m,) are indices into them.
    """
    return np.searchsorted(sessions, sessions[queries] - gap, side="right")


def most_alike(
    vectors: NDArray[np.float32], sessions: NDArray[np.int64], queries: NDArray[np.int64], gap: int, count: int
) -> NDArray[np.int64]:
    """The `count` most alike earlier days of each query, the most alike first: indices (m, count).

    `vectors` (n, d) and `sessions` (n,) are the days', ascending; `queries` (m,) are indices into them, ascending. A
    day is earlier when it lies at least `gap` sessions before. Raises ValueError when a query has fewer than `count`.
    """
    earlier = earlier_days(sessions, queries, gap)
    if len(queries) and earlier.min() < count:
        raise ValueError(f"A day has {earlier.min()} earlier days, fewer than {count}.")
    scaled = unit(vectors)
    found = np.empty((len(queries), count), np.int64)
    rows = max(1, LARGEST_BLOCK_CELLS // max(len(vectors), 1))
    for start in range(0, len(queries), rows):
        block = slice(start, start + rows)
        reach = int(earlier[block].max())
        cosines = scaled[queries[block]] @ scaled[:reach].T
        cosines[np.arange(reach) >= earlier[block, None]] = -np.inf
        best = np.sort(np.argpartition(-cosines, count - 1, axis=1)[:, :count], axis=1)
        order = np.argsort(-np.take_along_axis(cosines, best, axis=1), axis=1, kind="stable")
        found[block] = np.take_along_axis(best, order, axis=1)
    return found
