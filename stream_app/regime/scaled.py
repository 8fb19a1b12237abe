"""`scaled`: a region's numeric vector and its day's text vector, each centred and brought to a length of its own.

With x a half, m its fitted mean, s its scale and w its weight:

    joint = w_numeric (numeric - m_numeric) / s_numeric + w_text (text - m_text) / s_text(n)

So a half's usual length is its weight, in whatever units it comes, and neither drowns in the other. The numeric scale
is the root mean square of |x - m| over the fitted days. The text half is the mean of the day's n articles, and the
fewer they are, the further it lies from m: what is particular to each is averaged away like 1/n. So its scale is

    s_text(n)^2 = scale^2 + within / n

with the components of the variance of a one-way layout with random effects (Searle, Casella and McCulloch, "Variance
Components", 1992, chapter 3): `scale^2` between days, `within` between the articles of a day.

The halves are added, as in the original, over all 384 numbers: each keeps its directions. `num-regime-scaled-v1` has
numbers in the first 6 places alone, and of a text vector's length an eighth lies there: the two halves are all but at
right angles, so that the inner product of two days is the sum of how alike their prices and their news are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM

RULES = "w (x - m) / s of each half, added|float32"
RULES_BY_ARTICLES = "w (x - m) / s of each half, s^2 = scale^2 + within / articles of the text, added|float32"
"""What the vectors depend on beside parameters and weights; the first where `within` is 0."""
FEWEST_DAYS = 2
LARGEST, SMALLEST = 1e12, 1e-9
"""Of what is fitted, by size: a usual length of up to 1,000 keeps within float32 then. Fitted scales are near 1."""

Floats = NDArray[np.float32]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """What was fitted of the numeric half: its mean, float32 (384,), and its scale, above 0."""

    mean: Floats
    scale: float

    @classmethod
    def fitted(cls, days: Floats) -> "Scaling":
        """Of the half of some days, (k, 384). Raises ValueError for fewer than two days, or if all are the same."""
        mean, squares = _mean_and_squares(days)
        return cls(mean, float(np.sqrt(squares.mean())))

    def __call__(self, half: Floats, weight: float) -> Floats:
        """(n, 384) -> (n, 384) float32, with `weight` as its usual length."""
        return (half - self.mean) * np.float32(weight / self.scale)


@dataclass(frozen=True, slots=True, eq=False)
class TextScaling:
    """What was fitted of the text half: its mean, float32 (384,), and the components of its variance."""

    mean: Floats
    scale: float
    """Of a day of very many articles; or, with `within` 0, of every day."""
    within: float

    @classmethod
    def fitted(cls, days: Floats, articles: Counts, spreads: NDArray[np.float64]) -> "TextScaling":
        """Of the means of some days (k, 384), each of so many articles (k,) with so large a spread (k,).

        A spread is the sum of the squared distances of a day's articles from their mean. Expected of it is
        (n - 1) within, and of the day's squared distance from the mean of all days scale^2 + within / n; of the latter
        a day counts by its articles, because few say little of the day. Raises ValueError for fewer than two days, if
        all are the same, or where no day has two articles.
        """
        mean, squares = _mean_and_squares(days)
        freedom = int((articles - 1).sum())
        if not freedom:
            raise ValueError(f"of the {len(days)} days none has two articles")
        within = float(spreads.sum() / freedom)
        between = float((articles * squares - within).sum() / articles.sum())
        return cls(mean, float(np.sqrt(max(between, 0.0))), within)

    def scales(self, articles: Counts) -> NDArray[np.float64]:
        """The scale of means of so many articles, (n,), each at least 1."""
        # Of square root and division every digit is certain, so that with `within` 0 this is `scale` to the bit.
        scales: NDArray[np.float64] = np.sqrt(self.scale * self.scale + self.within / articles)
        return scales

    def __call__(self, means: Floats, articles: Counts, weight: float) -> Floats:
        """(n, 384), (n,) -> (n, 384) float32, with `weight` as its usual length whatever the number of articles."""
        return (means - self.mean) * (weight / self.scales(articles)).astype(np.float32)[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class ScaledJoin:
    """Joins halves by what was fitted of each, with weights above 0."""

    numeric: Scaling
    text: TextScaling
    numeric_weight: float
    text_weight: float

    def __call__(self, numeric: Floats, text: Floats, articles: Counts) -> Floats:
        """Both (n, 384), and of how many articles each text half is the mean (n,) -> (n, 384) float32.

        A day's bytes are the same whatever days are joined with it.
        """
        return self.numeric(numeric, self.numeric_weight) + self.text(text, articles, self.text_weight)


def check_scaling(mean: NDArray[np.floating], scale: float, within: float = 0.0) -> None:
    """Raises ValueError unless a vector of 384 numbers can be centred and scaled by these."""
    if mean.shape != (DIM,) or not (np.abs(mean) <= LARGEST).all():
        raise ValueError(f"a mean is not {DIM} numbers of up to {LARGEST:g}")
    if not (scale >= 0 and within >= 0 and SMALLEST**2 <= scale * scale + within <= LARGEST**2):
        raise ValueError(f"a scale is not a number from {SMALLEST:g} to {LARGEST:g}")


def _mean_and_squares(days: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """The mean of some days (k, 384), and their squared distances from it (k,); ValueError if they tell no scale."""
    if len(days) < FEWEST_DAYS:
        raise ValueError(f"{len(days)} days are too few to fit a mean and a scale")
    mean = days.mean(axis=0, dtype=np.float64)
    squares: NDArray[np.float64] = np.square(days - mean).sum(axis=1)
    if not squares.any():
        raise ValueError(f"the {len(days)} days are all the same")
    return mean.astype(np.float32), squares
