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
    centred = scaled - scaled.mean(axis=0) if len(scaled) else scaled
    moments = centred.T @ centred
    values, directions = np.linalg.eigh(moments)  # ascending
    axes = directions[:, ::-1][:, :AXES]
    kept = np.maximum(values[::-1][:AXES], 0.0)
    total = float(np.trace(moments))
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]) if axes.size else np.ones(0)
    points, explained = np.zeros((len(vectors), AXES)), np.zeros(AXES)
    found = kept > total * np.finfo(np.float64).eps
    points[:, : len(found)] = np.where(found, centred @ (axes * signs), 0.0)
    explained[: len(found)] = np.where(found, kept / total, 0.0) if total > 0 else 0.0
    return Plane(points, explained)
