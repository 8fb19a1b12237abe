"""What can be said of a model's vectors without asking what followed: stability, overlap, and the text's share."""

import numpy as np
from numpy.typing import NDArray

from stream_app.regime.cosines import to_the_one_before


def stability(vectors: NDArray[np.float32]) -> float:
    """The mean cosine of each day's vector to the day before's, (n, d) in date order; NaN for fewer than 2 days."""
    return float(to_the_one_before(vectors).mean()) if len(vectors) > 1 else float("nan")


def overlap(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """The mean share of neighbours that two models have in common, of the same queries: both (m, k)."""
    together = np.sort(np.concatenate([first, second], axis=1), axis=1)
    return float((together[:, 1:] == together[:, :-1]).sum(axis=1).mean() / first.shape[1])


def text_share(joint: NDArray[np.float32], numeric: NDArray[np.float32]) -> float:
    """What share of what tells days apart in a joint space its numeric half does not account for, from 0 to 1.

    Both (n, d) are taken from their mean over the days. The numeric part is the multiple of the numeric vectors, one
    for all days, that comes nearest to the joint vectors; the rest is the text's: |rest| / (|rest| + |numeric part|),
    the mean over days. So it is meant for a joint vector that holds its numeric half as it is: an average, also a
    scaled one. Of a trained projection it says little.
    """
    whole, half = (each.astype(np.float64) - each.mean(axis=0, dtype=np.float64) for each in (joint, numeric))
    size = float((half * half).sum())
    part = half * (float((whole * half).sum()) / size if size > 0 else 0.0)
    rest_length = np.sqrt(np.square(whole - part).sum(axis=1))
    lengths = rest_length + np.sqrt(np.square(part).sum(axis=1))
    return float(np.divide(rest_length, lengths, out=np.zeros_like(lengths), where=lengths > 0).mean())
