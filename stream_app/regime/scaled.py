"""`scaled`: a region's numeric vector and its day's text vector, each centred and brought to a length of its own.

With x a half, m its fitted mean, s its fitted scale (the root mean square of |x - m|) and w its weight:

    joint = w_numeric (numeric - m_numeric) / s_numeric + w_text (text - m_text) / s_text

So a half's usual length is its weight, in whatever units it comes, and neither drowns in the other. The halves are
added, as in the original, over all 384 numbers: each keeps its directions. `num-regime-scaled-v1` has numbers in the
first 6 places alone, and of a text vector's length an eighth lies there: the two halves are all but at right angles, so
that the inner product of two days is the sum of how alike their prices and their news are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM

RULES = "w (x - m) / s of each half, added|float32"
"""What the vectors depend on beside parameters and weights."""
FEWEST_DAYS = 2

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """What was fitted of one half: its mean, float32 (384,), and its scale, above 0."""

    mean: Floats
    scale: float

    @classmethod
    def fitted(cls, days: Floats) -> "Scaling":
        """Of the half of some days, (n, 384). Raises ValueError for fewer than two days, or if all are the same."""
        if len(days) < FEWEST_DAYS:
            raise ValueError(f"{len(days)} days are too few to fit a mean and a scale")
        mean = days.mean(axis=0, dtype=np.float64)
        scale = float(np.sqrt(np.square(days - mean).sum(axis=1).mean()))
        if not scale > 0:
            raise ValueError(f"the {len(days)} days are all the same")
        return cls(mean.astype(np.float32), scale)

    def __call__(self, half: Floats, weight: float) -> Floats:
        """(n, 384) -> (n, 384) float32, with `weight` as its usual length."""
        return (half - self.mean) * np.float32(weight / self.scale)


@dataclass(frozen=True, slots=True, eq=False)
class ScaledJoin:
    """Joins halves by what was fitted of each, with weights above 0."""

    numeric: Scaling
    text: Scaling
    numeric_weight: float
    text_weight: float

    def __call__(self, numeric: Floats, text: Floats) -> Floats:
        """Both (n, 384) -> (n, 384) float32. A day's bytes are the same whatever days are joined with it."""
        return self.numeric(numeric, self.numeric_weight) + self.text(text, self.text_weight)


def check_scaling(scaling: Scaling) -> None:
    """Raises ValueError unless a vector of 384 numbers can be centred and scaled by it."""
    if scaling.mean.shape != (DIM,) or not np.isfinite(scaling.mean).all():
        raise ValueError(f"a mean is not {DIM} finite numbers")
    if not 0 < scaling.scale < np.inf:
        raise ValueError("a scale is not a finite number above 0")
