"""What two series that have nothing to do with each other reach by chance, where days in a row are alike.

One of them is shifted against the other, its end coming first. Each keeps its own order, and so all that makes its days
alike; only what they have in common goes. Of independent stationary series no shift is as good as any other (Harris, "A
shift test for independence in generic time series", 2020; here with wrapped ends).
"""

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
"""So often is what is there by chance alone taken for more."""
MOST_SHIFTS = 199


def some_shifts(days: int) -> NDArray[np.int64]:
    """Different shifts of a series of so many days, from 1 to days - 1, evenly spread, at most MOST_SHIFTS."""
    spread = np.linspace(0, days, min(MOST_SHIFTS, max(days - 1, 0)) + 2)[1:-1]
    return np.unique(spread.round().astype(np.int64))


def p_value(found: float, shifted: NDArray[np.float64]) -> float:
    """Of the shifts (n,) and no shift the share that reaches what was found without one: from 1 / (n + 1) to 1."""
    return float((1 + np.count_nonzero(shifted >= found)) / (1 + len(shifted)))
