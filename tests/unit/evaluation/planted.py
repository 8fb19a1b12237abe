"""Markets of which it is known what can be foretold, and vectors that foretell it, or nothing."""

import numpy as np
from numpy.typing import NDArray

from stream_app.evaluation.analogues import Market, Space

SESSIONS = 2_000
DATES = np.datetime64("2000-01-01", "D") + np.arange(SESSIONS)

Array = NDArray[np.float64]


def market(volatility: Array, seed: int = 0) -> Market:
    """Normal daily returns with each session's volatility, as a daily figure."""
    returns = volatility * np.random.default_rng(seed).standard_normal(len(volatility))
    return Market(DATES[: len(volatility)], 100 * np.exp(np.cumsum(returns)))


def spells(length: int, seed: int = 1) -> Array:
    """A volatility that stays `length` sessions and is then drawn anew: nothing before a spell tells of it."""
    drawn = np.random.default_rng(seed).uniform(np.log(0.004), np.log(0.04), -(-SESSIONS // length))
    return np.repeat(np.exp(drawn), length)[:SESSIONS]


def angles(values: Array) -> Space:
    """Vectors whose cosine falls with the difference of two days' values: (n, 384)."""
    turned = np.pi * (values - values.min()) / (values.max() - values.min())
    vectors = np.zeros((len(values), 384), np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(turned), np.sin(turned)
    return Space(DATES[: len(values)], vectors)


def noise(seed: int = 2) -> Space:
    """Vectors that know nothing."""
    return Space(DATES, np.random.default_rng(seed).standard_normal((SESSIONS, 384)).astype(np.float32))


def slow(count: int, numbers: int, memory: float, rng: np.random.Generator) -> Array:
    """Noise of which a day keeps the share `memory` of the day before, of variance 1: (count, numbers)."""
    found = rng.standard_normal((count, numbers))
    for day in range(1, count):
        found[day] = memory * found[day - 1] + np.sqrt(1 - memory**2) * found[day]
    return found
