"""The two directions in which days differ the most: a principal component analysis, for a map of days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream_app.regime.cosines import unit

AXES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Days on a plane: float64 (n, 2), and how much of the days' variance each axis holds, from 0 to 1, (2,)."""

    points: NDArray[np.float64]
    explained: NDArray[np.float64]


def plane(vectors: NDArray[np.float32]) -> Plane:
    """The days' vectors (n, d), each at length 1 and taken from their mean, on the two axes of the largest variance.

    At length 1 the squared distance of two days is 2 - 2 cos: what lies near is alike, as analogues are. An axis points
    to where the number with the largest weight grows, so that the same days give the same map; an axis without any
    variance is 0.
    """
    scaled = unit(vectors)
    points, explained = np.zeros((len(vectors), AXES)), np.zeros(AXES)
    if not scaled.size:
        return Plane(points, explained)
    centred = scaled - scaled.mean(axis=0)
    total = float(np.square(centred).sum())
    variances, axes = _principal(centred)
    largest = np.abs(axes).argmax(axis=1)
    axes *= np.sign(axes[np.arange(len(axes)), largest])[:, np.newaxis]
    found = variances > len(scaled) * np.finfo(np.float64).eps  # each day has length 1
    points[:, : len(axes)] = np.where(found, centred @ axes.T, 0.0)
    explained[: len(axes)] = np.where(found, variances / (total or 1.0), 0.0)
    return Plane(points, explained)


def _principal(centred: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest sums of squares (k,) along the axes (k, d), k being 2 or as many as there can be."""
    if len(centred) <= centred.shape[1]:
        _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
        return np.square(lengths[:AXES]), axes[:AXES]
    values, directions = np.linalg.eigh(centred.T @ centred)  # ascending
    return np.maximum(values[::-1][:AXES], 0.0), directions.T[::-1][:AXES].copy()
