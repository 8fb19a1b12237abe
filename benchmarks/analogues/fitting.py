"""How the coefficients of `num-regime-scaled-v1` were fitted: on sessions before 1995, so before every tested day.

Least squares of the log volatility realised over the next 5, 21 and 62 sessions on the descriptors, each index about
its own mean (it is the order within a market that counts), the descriptors' deviations penalised by 0.01.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.analogues.indices import Prices
from stream_app.evaluation.volatility import following
from stream_app.regime.volatility_profile import DEFAULT, descriptors
from stream_app.regime.windows import min_rows

INDICES = (
    "^GSPC",
    "^RUT",
    "^N225",
    "^GDAXI",
    "^AORD",
    "^GSPTSE",
    "^STOXX50E",
    "^FCHI",
    "^BFX",
    "^MXX",
    "^BVSP",
    "^JKSE",
)
LAST = "1994-12-31"
HORIZONS = (5, 21, 62)
RIDGE = 0.01
DECIMALS = 3

Array = NDArray[np.float64]


def fit(prices: Mapping[str, Prices]) -> tuple[Array, Array]:
    """Intercepts (3,) and coefficients (3, 8), rounded as they are packaged."""
    windows = [_known(prices[name].between("1985-01-01", LAST)) for name in INDICES]
    described, followed = (np.concatenate(parts) for parts in zip(*windows, strict=True))
    inputs, outcomes = (
        np.concatenate([part - part.mean(axis=0) for part in parts]) for parts in zip(*windows, strict=True)
    )
    deviations = inputs.std(axis=0)
    scaled = inputs / deviations
    penalty = RIDGE * len(scaled) * np.eye(scaled.shape[1])
    weights = np.linalg.solve(scaled.T @ scaled + penalty, scaled.T @ outcomes) / deviations[:, None]
    intercepts = followed.mean(axis=0) - described.mean(axis=0) @ weights
    return intercepts.round(DECIMALS), weights.T.round(DECIMALS)


def _known(prices: Prices) -> tuple[Array, Array]:
    """The descriptors of the windows of which all that followed is known (n, 8), and what followed (n, 3)."""
    found = prices.windows()
    outcomes = np.stack([following(prices.closes, sessions) for sessions in HORIZONS], axis=1)
    outcomes -= np.log(DEFAULT.reference_volatility)
    known = np.isfinite(outcomes).all(axis=1) & (found.rows >= min_rows(found.features.shape[1]))
    return descriptors(found.features[known], found.rows[known]), outcomes[known]
