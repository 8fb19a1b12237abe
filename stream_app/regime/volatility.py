"""Realised volatility: what the regimes of a fit without names are ordered by."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RETURNS = 21
"""A month of sessions."""
YEAR_SESSIONS = 252


def realised_volatility(closes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row (m,) the annualised root mean square of the 21 log returns up to it; NaN for the first 21 rows.

    About zero, not their mean, as is usual for daily returns (Andersen, Bollerslev, Diebold and Labys 2003).
    """
    found = np.full(len(closes), np.nan)
    if len(closes) > RETURNS:
        squares = np.square(np.diff(np.log(closes)))
        found[RETURNS:] = np.sqrt(YEAR_SESSIONS * sliding_window_view(squares, RETURNS).mean(axis=1))
    return found
