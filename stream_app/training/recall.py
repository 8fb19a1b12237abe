"""How well a day's text finds its numeric half among other days': recall at k, against chance. Pure."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KS = (1, 5, 10, 50)
QUERIES_AT_A_TIME = 512


@dataclass(frozen=True, slots=True)
class Recall:
    """Of so many days' texts the share whose own numeric half is among the k most alike of its region, and what chance
    would give."""

    k: int
    share: float
    chance: float
    texts: int

    @property
    def beats_chance(self) -> bool:
        """Whether the share is above chance by more than two of its standard errors."""
        return self.share - self.chance > 2 * math.sqrt(self.chance * (1 - self.chance) / self.texts)


def recalls(text: NDArray[np.float64], numeric: NDArray[np.float64], regions: NDArray[np.str_]) -> list[Recall]:
    """Recall at each of KS, of halves (n, dim) of length 1 and their regions (n,); a text looks in its own region.

    Of numeric halves that are as alike as its own half are counted before it, so that halves that are all the same
    give chance.
    """
    ranks, sizes = np.zeros(len(text)), np.zeros(len(text))
    for region in np.unique(regions):
        own = np.flatnonzero(regions == region)
        sizes[own] = len(own)
        for start in range(0, len(own), QUERIES_AT_A_TIME):
            asked = np.arange(start, min(start + QUERIES_AT_A_TIME, len(own)))
            alike = text[own[asked]] @ numeric[own].T
            mine = alike[np.arange(len(asked)), asked][:, None]
            ranks[own[asked]] = (alike > mine).sum(axis=1) + ((alike == mine).sum(axis=1) - 1) / 2
    return [Recall(k, float((ranks < k).mean()), float(np.minimum(k / sizes, 1).mean()), len(text)) for k in KS]
