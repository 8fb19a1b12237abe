"""Fits labellers: prototypes from named windows, k-means and Gaussian mixtures without names.

The only module that imports scikit-learn. The same days give the same bytes on one machine, in whatever order they
come: rows are sorted by day, everything random is seeded, and one thread adds up.
"""

import datetime as dt
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from stream_app.errors import UsageError
from stream_app.regime.labels import Distance, Floats, Mixture, Prototypes, Vectors, probabilities

Method = Literal["k-means", "mixture"]

RANKED: dict[int, tuple[str, ...]] = {
    2: ("CALM", "STRESSED"),
    3: ("CALM", "NORMAL", "STRESSED"),
    4: ("CALM", "NORMAL", "ELEVATED", "STRESSED"),
    5: ("CALM", "NORMAL", "ELEVATED", "STRESSED", "EXTREME"),
}
"""By the number of components: their labels, from the lowest volatility to the highest."""
MIXTURE_AXES = 5
"""Principal axes of a mixture: 384 numbers of overlapping windows are far from so many independent ones."""
STARTS = 10
MOST_ROUNDS = 1_000
DAYS_PER_COMPONENT = 50
LEAST_TEMPERATURE = 1e-9


@dataclass(frozen=True, slots=True)
class Days:
    """What is fitted on: days (n,) datetime64[D], ascending and unique, their vectors (n, 384), and the region's
    realised volatility (n,), NaN where it is not known."""

    days: NDArray[np.datetime64]
    vectors: Vectors
    volatility: Floats

    @classmethod
    def in_order(cls, days: NDArray[np.datetime64], vectors: Vectors, volatility: Floats) -> "Days":
        """The same days, sorted."""
        order = np.argsort(days, kind="stable")
        return cls(days[order], vectors[order], volatility[order])


@dataclass(frozen=True, slots=True, order=True)
class NamedWindow:
    """The days from `first` to `last`, both inclusive, are examples of a label."""

    label: str
    first: dt.date
    last: dt.date

    def __str__(self) -> str:
        """As one writes it."""
        return f"{self.label} from {self.first} to {self.last}"


Fitted = tuple[tuple[str, ...], Prototypes | Mixture]
"""The labels, and how probable each is."""


def fit_prototypes(days: Days, windows: Sequence[NamedWindow], distance: Distance) -> Fitted:
    """A prototype a window, the mean of its vectors; several windows may share a label. The labels are in alphabetical
    order.

    The temperature is the mean distance of the windows' vectors to their label's nearest prototype. Raises UsageError
    for a window without a day, or fewer than two labels.
    """
    ordered = sorted(set(windows))
    labels = sorted({window.label for window in ordered})
    if len(labels) < 2:  # noqa: PLR2004 - of one label alone every day would be
        raise UsageError(
            "At least two labels are needed, for example CRISIS and CALM: of one alone every day would be."
        )
    chosen = [_of_window(days, window) for window in ordered]
    owners = np.array([labels.index(window.label) for window in ordered])
    points = np.stack([vectors.astype(np.float64).mean(axis=0) for vectors in chosen])
    within = []
    for vectors, owner in zip(chosen, owners, strict=True):
        own = Prototypes(points[owners == owner], np.zeros(int((owners == owner).sum()), np.int64), distance, 1.0)
        within.append(own.nearest_distances(vectors))
    temperature = max(float(np.concatenate(within).mean()), LEAST_TEMPERATURE)
    return tuple(labels), Prototypes(points, owners, distance, temperature)


def _of_window(days: Days, window: NamedWindow) -> Vectors:
    inside = (days.days >= np.datetime64(window.first)) & (days.days <= np.datetime64(window.last))
    if not inside.any():
        raise UsageError(f"There is no day to fit on for {window}.")
    return days.vectors[inside]


def fit_unnamed(days: Days, method: Method, components: int, seed: int) -> Fitted:
    """Components found without names, labelled by rank of volatility.

    A component's volatility is the mean log realised volatility of the days, each weighted by how probable it makes the
    component. Raises UsageError for too few days to tell the components apart.
    """
    if len(days.days) < components * DAYS_PER_COMPONENT or len(np.unique(days.vectors, axis=0)) < components:
        raise UsageError(
            f"{len(days.days)} days are too few for {components} components: at least "
            f"{components * DAYS_PER_COMPONENT} are needed, not all alike."
        )
    with warnings.catch_warnings(), threadpool_limits(1):
        # what has not converged is as good a partition as any, and the card tells how it labels
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = _k_means(days, components, seed) if method == "k-means" else _mixture(days, components, seed)
    return RANKED[components], _ranked(fitted, _volatilities(fitted, days))


def _k_means(days: Days, components: int, seed: int) -> Prototypes:
    """Lloyd's algorithm with k-means++ starts; the temperature is the mean squared distance to the nearest centre."""
    found = KMeans(components, n_init=STARTS, max_iter=MOST_ROUNDS, random_state=seed).fit(
        days.vectors.astype(np.float64)
    )
    centres = Prototypes(found.cluster_centers_, np.arange(components), "euclidean", 1.0)
    temperature = max(float(centres.nearest_distances(days.vectors).mean()), LEAST_TEMPERATURE)
    return Prototypes(centres.points, centres.owners, "euclidean", temperature)


def _mixture(days: Days, components: int, seed: int) -> Mixture:
    """Spherical components: with full covariances they tell shapes apart (a jump's wake from its absence), not levels.

    Of the log volatility of three indices before 2007 spherical ones explain 0.72 to 0.76, full ones 0.00 to 0.12.
    """
    rows = days.vectors.astype(np.float64)
    axes = PCA(MIXTURE_AXES, svd_solver="full").fit(rows)
    found = GaussianMixture(
        components, covariance_type="spherical", n_init=STARTS, max_iter=MOST_ROUNDS, random_state=seed
    ).fit(axes.transform(rows))
    return Mixture(axes.mean_, axes.components_, found.weights_, found.means_, found.covariances_)


def _volatilities(fitted: Prototypes | Mixture, days: Days) -> Floats:
    """The mean log realised volatility of each component."""
    known = np.isfinite(days.volatility) & (days.volatility > 0)
    if not known.any():
        raise UsageError("The components cannot be ordered by volatility: no day has closes of the month before it.")
    weights = probabilities(fitted, days.vectors[known])
    means: Floats = (weights * np.log(days.volatility[known])[:, None]).sum(axis=0) / weights.sum(axis=0)
    return means


def _ranked(fitted: Prototypes | Mixture, volatilities: Floats) -> Prototypes | Mixture:
    """The components from the lowest volatility to the highest."""
    order = np.argsort(volatilities, kind="stable")
    if isinstance(fitted, Prototypes):
        return Prototypes(fitted.points[order], fitted.owners, fitted.distance, fitted.temperature)
    return Mixture(fitted.origin, fitted.axes, fitted.weights[order], fitted.means[order], fitted.variances[order])
