"""The text half: an article's content hash, batches for the model, and the mean vector of a day's articles."""

import hashlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def content_hash(text: str) -> bytes:
    """sha256 of the text in UTF-8, 32 bytes: what a text vector is found by."""
    return hashlib.sha256(text.encode()).digest()


def day_means(vectors: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Each day's mean text vector: (m, 384) -> (n, 384), not normalised again.

    `vectors` are grouped by day, a day's in article_id order; `starts` (n + 1,) are the days' row bounds, so that day i
    is rows starts[i] to starts[i + 1]. Summed in float64 in row order, so a day's result does not depend on the other
    days of the call. Raises ValueError for a day without rows or bounds that do not cover the rows.
    """
    counts = np.diff(starts)
    if starts[0] != 0 or starts[-1] != len(vectors) or (counts < 1).any():
        raise ValueError("Every day needs at least one row, and the bounds must cover all rows.")
    # Across the rows of a C-ordered matrix numpy adds row to row; along its fast axis it would sum pairwise.
    rows = np.ascontiguousarray(vectors)
    means = np.empty((len(counts), vectors.shape[1]), np.float32)
    for day, (start, end) in enumerate(pairwise(starts.tolist())):
        means[day] = np.add.reduce(rows[start:end], axis=0, dtype=np.float64) / (end - start)
    return means


def day_spreads(vectors: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each day's sum of the squared distances of its articles from their mean: (m, 384) -> (n,), as in `day_means`."""
    spreads = np.empty(len(starts) - 1)
    for day, (start, end) in enumerate(pairwise(starts.tolist())):
        articles = vectors[start:end].astype(np.float64)
        spreads[day] = np.square(articles - articles.mean(axis=0)).sum()
    return spreads


def batches(lengths: NDArray[np.int64], token_budget: int) -> list[NDArray[np.int64]]:
    """The texts of `lengths` (m,) tokens in batches of like length: indices, shortest texts first.

    Padded to its longest text a batch is at most `token_budget` tokens; a longer text is a batch of its own. Padding is
    what arrival-order batches spend most of their time on.
    """
    order = np.argsort(lengths, kind="stable")
    found: list[NDArray[np.int64]] = []
    start = 0
    for end in range(1, len(order) + 1):
        full = end == len(order) or int(lengths[order[end]]) * (end - start + 1) > token_budget
        if full:
            found.append(order[start:end])
            start = end
    return found
