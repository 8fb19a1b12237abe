"""Realised volatility of an instrument's closes, before and after each session."""

import numpy as np
from numpy.typing import NDArray

from stream_app.regime.volatility import realised_volatility

HORIZON_SESSIONS = 21
SMALLEST_VOLATILITY = 1e-6
"""A year's: what prices that stand still count as, so that a logarithm exists."""

Array = NDArray[np.float64]


def trailing(closes: Array, sessions: int = HORIZON_SESSIONS) -> Array:
    """log of the yearly volatility realised over each session (n,) and those before it, `sessions` in all.

    sqrt(252 * mean of squared log returns); NaN where fewer returns came before.
    """
    found = np.full(len(closes), np.nan)
    found[sessions:] = _realised(closes, sessions)
    return found


def following(closes: Array, sessions: int = HORIZON_SESSIONS) -> Array:
    """log of the yearly volatility realised over the `sessions` after each session (n,); NaN where they are not all
    known."""
    found = np.full(len(closes), np.nan)
    found[: max(len(closes) - sessions, 0)] = _realised(closes, sessions)
    return found


def _realised(closes: Array, sessions: int) -> Array:
    """Of each run of `sessions` consecutive returns: (max(n - sessions, 0),)."""
    found: Array = np.log(np.maximum(realised_volatility(closes, sessions)[sessions:], SMALLEST_VOLATILITY))
    return found
