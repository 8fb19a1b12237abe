"""`num-regime-core-v1`: a window's features, raveled row by row and zero-filled, are its vector."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.regime.windows import check_window_days, lookback_days, min_rows

MODEL_ID = "num-regime-core-v1"


def embed(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, window_days, 3) -> (n, 384): day 0's close, volume and log return, then day 1's, …, then zeros.

    n may be 0. Raises ValueError for windows of more than 128 rows.
    """
    count, window_days, per_row = features.shape
    check_window_days(window_days)
    vectors = np.zeros((count, DIM), np.float32)
    vectors[:, : window_days * per_row] = features.reshape(count, window_days * per_row)
    return vectors


def fingerprint(window_days: int) -> str:
    """What the vectors depend on beside the prices: sha256 of the model's rules, hexadecimal."""
    rules = (
        f"{MODEL_ID}|window_days={window_days}|min_rows={min_rows(window_days)}"
        f"|lookback_days={lookback_days(window_days)}|pad=end,last row,float32"
        f"|features=close,volume,log_return|float64 then float32|ravel row-major|dim={DIM}"
    )
    return hashlib.sha256(rules.encode()).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class DayMeans:
    """The numeric half of a region of several instruments, of many days at once: means over the instruments with enough
    rows, in the definition's order, summed in float64 in that order. An instrument is added at a time, so that no more
    than one instrument's vectors are needed at a time.
    """

    totals: NDArray[np.float64]
    """(n, 384)."""
    instruments: NDArray[np.int64]
    """(n,): of how many instruments each total is."""

    @classmethod
    def of_days(cls, count: int) -> "DayMeans":
        """Of `count` days, no instrument yet."""
        return cls(np.zeros((count, DIM), np.float64), np.zeros(count, np.int64))

    def add(self, vectors: NDArray[np.float32], days: NDArray[np.int64]) -> None:
        """The next instrument's vectors (k, 384) on the days (k,), indices, on which it has enough rows."""
        self.totals[days] += vectors
        self.instruments[days] += 1

    def means(self, days: NDArray[np.int64]) -> NDArray[np.float32]:
        """The means of days (k,), each of at least one instrument: (k, 384)."""
        return (self.totals[days] / self.instruments[days][:, None]).astype(np.float32)
