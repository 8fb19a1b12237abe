"""`num-regime-core-v1`: a window's features, raveled row by row and zero-filled, are its vector."""

import hashlib

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


def mean_window_vectors(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The numeric half of a region of several instruments: (k, 384) -> (384,), k at least 1.

    The rows are those of the instruments with enough rows, in the definition's order; summed in float64 in that order.
    """
    if not len(vectors):
        raise ValueError("The mean of no window is not defined.")
    total = np.zeros(vectors.shape[1], np.float64)
    for vector in vectors:
        total += vector
    return (total / len(vectors)).astype(np.float32)
