"""Rank correlation with intervals that allow for days in a row being alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
BLOCK_SESSIONS = 126
"""Half a year: volatility remembers months, so a shorter block would make intervals too narrow."""
TAIL_PERCENT = 2.5
SEED = 20_070_801

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


def ranks(values: Array) -> Array:
    """Ranks from 0, ties at their mean: (n,)."""
    order = np.argsort(values, kind="stable")
    first = np.concatenate([[True], values[order][1:] != values[order][:-1]])
    group = np.cumsum(first) - 1
    bounds = np.append(np.flatnonzero(first), len(values))
    found = np.empty(len(values))
    found[order] = ((bounds[:-1] + bounds[1:] - 1) / 2)[group]
    return found


def spearman(first: Array, second: Array) -> float:
    """Spearman's rank correlation of two series (n,); 0 where one of them does not vary."""
    a, b = ranks(first), ranks(second)
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def circular_blocks(days: int, block: int, resamples: int, seed: int = SEED) -> NDArray[np.int64]:
    """Indices of resampled series, (resamples, days): blocks of consecutive days put together, the first following the
    last (Politis and Romano, "A circular block-resampling procedure for stationary data", 1992)."""
    length = min(max(block, 1), days)
    count = -(-days // length)
    starts = np.random.default_rng(seed).integers(0, days, (resamples, count, 1))
    return ((starts + np.arange(length)).reshape(resamples, -1) % days)[:, :days]


@dataclass(frozen=True, slots=True, eq=False)
class Correlations:
    """Spearman's correlation of several forecasts with one outcome, and what it is in each resample."""

    values: Array
    """(m,)."""
    resampled: Array
    """(resamples, m): the same resampled days for all."""

    @classmethod
    def of(cls, forecasts: Array, outcomes: Array, samples: NDArray[np.int64]) -> "Correlations":
        """Of forecasts (m, days) of outcomes (days,); `samples` (resamples, days) are `circular_blocks`."""
        values = np.array([spearman(each, outcomes) for each in forecasts])
        resampled = np.empty((len(samples), len(forecasts)))
        for row, sample in enumerate(samples):
            resampled[row] = [spearman(each[sample], outcomes[sample]) for each in forecasts]
        return cls(values, resampled)

    def estimate(self, index: int) -> Estimate:
        """One forecast's correlation."""
        return estimate(float(self.values[index]), self.resampled[:, index])

    def above(self, index: int, other: int) -> Estimate:
        """By how much one forecast's correlation is above another's on the same days."""
        return estimate(
            float(self.values[index] - self.values[other]), self.resampled[:, index] - self.resampled[:, other]
        )


def estimate(value: float, resampled: Array) -> Estimate:
    """A figure with the percentiles of what it is in resamples (resamples,)."""
    low, high = np.percentile(resampled, [TAIL_PERCENT, 100 - TAIL_PERCENT])
    return Estimate(value, float(low), float(high))
