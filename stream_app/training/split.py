"""The days to fit on and the days to measure on, with an embargo between them: pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VALIDATION_SHARE = 0.25
"""Of all different days the newest, to measure on."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Indices of the pairs to fit on and of those to measure on, both in the order of the pairs."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]


def time_split(days: NDArray[np.datetime64], embargo_days: int) -> Split:
    """Pairs by their days (n,), datetime64[D]: the newest quarter of the days is measured on, and what lies more than
    `embargo_days` before the first of these is fitted on. Either may be empty; the pairs between are in neither.

    All pairs of a day are on the same side, whatever their regions. A window reaches as far back as
    `windows.lookback_days` says; with an embargo of that no price is in windows of both sides.
    """
    different = np.unique(days)
    first = different[int(len(different) * (1 - VALIDATION_SHARE)) :][:1]
    if not len(first):
        return Split(np.zeros(0, np.int64), np.zeros(0, np.int64))
    before = first[0] - np.timedelta64(embargo_days, "D")
    return Split(np.flatnonzero(days < before), np.flatnonzero(days >= first[0]))
