"""Realised volatility of daily closes."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RETURNS = 21
"""A month of sessions."""
SESSIONS_A_YEAR = 252


def realised_volatility(closes: NDArray[np.float64], returns: int = RETURNS) -> NDArray[np.float64]:
    """Of each row (m,) the annualised root mean square of the `returns` log returns up to it; NaN for the first ones.

    About zero, not their mean, as is usual for daily returns (Andersen, Bollerslev, Diebold and Labys 2003).
    """
    found = np.full(len(closes), np.nan)
    if len(closes) > returns:
        squares = np.square(np.diff(np.log(closes)))
        found[returns:] = np.sqrt(SESSIONS_A_YEAR * sliding_window_view(squares, returns).mean(axis=1))
    return found
