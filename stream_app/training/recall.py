"""How well a day's text finds its numeric half among other days': recall at k, against chance. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream_app.evaluation.correlation import ranks
from stream_app.evaluation.shifts import LEVEL, p_value

KS = (1, 5, 10, 50)
QUERIES_AT_A_TIME = 512

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recall:
    """Of so many days' texts the share whose own numeric half is among the k most alike of its region, and what chance
    would give.

    `p_value`: with what share of all shifts of the texts against the days as many find the half of the day that they
    are shifted to. Texts and windows of days in a row are alike, so a few lucky stretches may look like skill.
    """

    k: int
    share: float
    chance: float
    p_value: float
    texts: int

    @property
    def beats_chance(self) -> bool:
        """Whether so large a share is rare among the shifts."""
        return self.p_value <= LEVEL


def recalls(text: Array, numeric: Array, regions: NDArray[np.str_]) -> list[Recall]:
    """Recall at each of KS, of halves (n, dim) of length 1 and their regions (n,); a text looks in its own region.

    The days of a region are in their order. Of numeric halves that are as alike as its own half are counted before it,
    so that halves that are all the same give chance.
    """
    of_regions = [np.flatnonzero(regions == region) for region in np.unique(regions)]
    sizes = np.array([len(own) for own in of_regions])
    hits = [_at_shifts(_hits(text[own], numeric[own]), sizes.max()) for own in of_regions]
    found = []
    for k, shares in zip(KS, np.sum(hits, axis=0) / len(text), strict=True):
        chance = float((np.minimum(k / sizes, 1) * sizes).sum() / len(text))
        found.append(Recall(k, float(shares[0]), chance, p_value(shares[0], shares[1:]), len(text)))
    return found


def _hits(text: Array, numeric: Array) -> Array:
    """How many of a region's texts (n, dim) have the numeric half of the day s later, the first following the last,
    among the k most alike: (KS, n) by k and s."""
    count = len(text)
    found = np.zeros((len(KS), count))
    for start in range(0, count, QUERIES_AT_A_TIME):
        alike = text[start : start + QUERIES_AT_A_TIME] @ numeric.T
        places = np.apply_along_axis(ranks, 1, -alike)
        for row, k in enumerate(KS):
            query, place = np.nonzero(places < k)
            found[row] += np.bincount((place - query - start) % count, minlength=count)
    return found


def _at_shifts(hits: Array, shifts: int) -> Array:
    """A region's hits (KS, n) at so many shifts of all regions, at least n, each by the same share of its days: none
    for the first, and for no other unless the region has a single day."""
    count = hits.shape[1]
    own = np.clip((np.arange(shifts) * count / shifts).round().astype(np.int64), 1, count - 1)
    own[0] = 0
    found: Array = hits[:, own]
    return found
