"""Fits the projection of a text model of more than 384 numbers on texts (see stream_app/encoding/projection.py)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.encoding.opening import BareModel
from stream_app.encoding.probes import embedded
from stream_app.encoding.projection import MOST_NUMBERS, FittedOn, Projection
from stream_app.errors import UsageError

LEAST_TEXTS = 2 * DIM
"""From fewer the last directions would be those of single texts."""
HELD_BACK_EVERY = 10
"""Of ten texts one is not fitted on but measured."""
MOST_HELD_BACK = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """How well texts that were held back keep their cosines: the number of texts, and of their pairs the mean and the
    largest absolute difference."""

    texts: int
    mean_difference: float
    largest_difference: float


class ProjectionFit:
    """Takes texts, some at a time, and gives the projection fitted on them.

    In memory are the texts of one call, the second moments of their vectors, float64 (dim, dim), and at most 1,000
    vectors that are held back.
    """

    def __init__(self, bare: BareModel) -> None:
        """UsageError for a model that needs no projection, or has more numbers than one can be fitted for."""
        if not DIM < bare.dim <= MOST_NUMBERS:
            raise UsageError(
                f"The text model in {bare.folder} gives {bare.dim:,} numbers: a projection is for more than {DIM} and "
                f"at most {MOST_NUMBERS:,}."
            )
        self._bare = bare
        self._moments = np.zeros((bare.dim, bare.dim))
        self._held = np.zeros((0, bare.dim), np.float32)
        self._seen = 0

    def add(self, texts: Sequence[str]) -> None:
        """Fit on these texts too, but for every tenth of all."""
        vectors = embedded(self._bare.model, texts)
        places = np.arange(self._seen, self._seen + len(texts))
        held = (places % HELD_BACK_EVERY == 0) & (places < MOST_HELD_BACK * HELD_BACK_EVERY)
        fitted = vectors[~held].astype(np.float64)
        self._moments += fitted.T @ fitted
        self._held = np.concatenate([self._held, vectors[held]])
        self._seen += len(texts)

    def finish(self) -> tuple[Projection, Kept]:
        """The projection, and what it keeps of the texts that were held back. UsageError for too few texts."""
        fitted = self._seen - len(self._held)
        if fitted < LEAST_TEXTS:
            raise UsageError(
                f"There are {self._seen:,} texts, of which {fitted:,} are fitted on: a projection needs {LEAST_TEXTS}."
            )
        found, kept = directions(self._moments)
        projection = Projection(found, FittedOn(self._bare.fingerprint, fitted, round(kept, 6)))
        return projection, _kept(projection, self._held)


def directions(moments: NDArray[np.float64]) -> tuple[NDArray[np.float32], float]:
    """The 384 eigenvectors of the largest eigenvalues of second moments (dim, dim), float32 (384, dim), the largest
    first, each with its largest number positive; and their share of all eigenvalues."""
    values, vectors = np.linalg.eigh(moments)
    chosen = vectors[:, ::-1][:, :DIM].T
    largest = np.abs(chosen).argmax(axis=1)
    signs = np.sign(chosen[np.arange(DIM), largest])
    kept = values[::-1][:DIM].sum() / values.sum()
    return np.ascontiguousarray(chosen * signs[:, None], np.float32), float(kept)


def _kept(projection: Projection, held: NDArray[np.float32]) -> Kept:
    before, after = held.astype(np.float64), projection.apply(held).astype(np.float64)
    upper = np.triu_indices(len(held), 1)
    difference = np.abs(before @ before.T - after @ after.T)[upper]
    return Kept(len(held), float(difference.mean()), float(difference.max()))
