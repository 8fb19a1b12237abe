"""Labels of numeric vectors: how probable each label is, from fitted parameters (docs/joint_spaces/regimes.md).

Nothing here depends on which rows are computed together: sums run along each row, never through a matrix product, whose
last bits change with the shape. So a replay's batches label as live did.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]
Distance = Literal["cosine", "euclidean"]


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """Points in the space of the vectors, one or more a label: how near a label's nearest point is decides."""

    points: Floats
    """(k, dim)."""
    owners: NDArray[np.int64]
    """(k,): the label of each point; every label has one at least."""
    distance: Distance
    """`cosine`: 1 - cos; a vector of zeros is at 1 of every point. `euclidean`: the squared distance."""
    temperature: float
    """The distance by which a label loses a factor e."""

    def scores(self, vectors: Vectors) -> Floats:
        """(n, dim) -> (n, labels): minus the distance to each label's nearest point, over the temperature."""
        distances = np.stack([self._distances(vectors, point) for point in self.points], axis=1)
        nearest = [distances[:, self.owners == label].min(axis=1) for label in range(self.owners.max() + 1)]
        scores: Floats = -np.stack(nearest, axis=1) / self.temperature
        return scores

    def nearest_distances(self, vectors: Vectors) -> Floats:
        """(n, dim) -> (n,): the distance to the nearest point of any label."""
        nearest: Floats = np.stack([self._distances(vectors, point) for point in self.points], axis=1).min(axis=1)
        return nearest

    def _distances(self, vectors: Vectors, point: Floats) -> Floats:
        rows = vectors.astype(np.float64)
        if self.distance == "euclidean":
            squared: Floats = np.square(rows - point).sum(axis=1)
            return squared
        norms = np.sqrt(np.square(rows).sum(axis=1) * np.square(point).sum())
        cosines = np.divide((rows * point).sum(axis=1), norms, out=np.zeros(len(rows)), where=norms > 0)
        distances: Floats = 1.0 - cosines
        return distances


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A mixture of spherical Gaussians on the first principal axes of the vectors, a component a label (Bishop 2006,
    9.2)."""

    origin: Floats
    """(dim,): the mean of the fitted vectors."""
    axes: Floats
    """(d, dim): orthonormal."""
    weights: Floats
    """(labels,): sum to 1."""
    means: Floats
    """(labels, d)."""
    variances: Floats
    """(labels,): along each axis."""

    def scores(self, vectors: Vectors) -> Floats:
        """(n, dim) -> (n, labels): the log of weight times density, up to a constant."""
        rows = vectors.astype(np.float64) - self.origin
        places = np.stack([(rows * axis).sum(axis=1) for axis in self.axes], axis=1)
        squares = np.stack([np.square(places - mean).sum(axis=1) for mean in self.means], axis=1)
        constants = np.log(self.weights) - 0.5 * len(self.axes) * np.log(self.variances)
        log_densities: Floats = constants - 0.5 * squares / self.variances
        return log_densities


def probabilities(fitted: Prototypes | Mixture, vectors: Vectors) -> Floats:
    """(n, dim) -> (n, labels): each label's share of the sum of exp(score); the rows sum to 1. n may be 0."""
    scores = fitted.scores(vectors)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    portions: Floats = shares / shares.sum(axis=1, keepdims=True)
    return portions
