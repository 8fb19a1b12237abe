"""What a joint space is learned from: the numeric and the text half of the same region's day, side by side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """n pairs in the order of their days, then regions."""

    regions: NDArray[np.str_]
    """(n,)."""
    days: NDArray[np.datetime64]
    """(n,), datetime64[D]."""
    numeric: NDArray[np.float32]
    """(n, 384)."""
    text: NDArray[np.float32]
    """(n, 384)."""

    def __len__(self) -> int:
        return len(self.days)

    def take(self, chosen: NDArray[np.int64]) -> "Pairs":
        """Some of them, by index."""
        return Pairs(self.regions[chosen], self.days[chosen], self.numeric[chosen], self.text[chosen])
