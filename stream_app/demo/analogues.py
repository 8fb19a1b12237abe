"""Days alike: the cosine between their contexts, whole and in the text half alone."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import JointRegimeContext, NewsArticle
from stream_app.regime.cosines import cosines

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Story:
    """A region's n days that have both halves: articles, text halves (n, 384), and their cosines to the chosen day."""

    region: str
    chosen: dt.date
    days: list[dt.date]
    articles: Sequence[Sequence[NewsArticle]]
    text_cosines: NDArray[np.float64]
    joint_cosines: NDArray[np.float64]

    @property
    def at(self) -> int:
        """The chosen day's index."""
        return self.days.index(self.chosen)

    def most_alike(self, count: int) -> list[int]:
        """The indices of the days whose text is most alike to the chosen day's, without itself."""
        order = np.argsort(-self.text_cosines, kind="stable").tolist()
        return [index for index in order if index != self.at][:count]


def story(
    region: str,
    chosen: dt.date,
    contexts: Sequence[JointRegimeContext],
    articles: Sequence[Sequence[NewsArticle]],
    text_halves: Matrix,
) -> Story:
    """Compare the chosen day with the others; every context, the chosen day's among them, has a vector."""
    days = [context.as_of for context in contexts]
    at = days.index(chosen)
    joint = np.stack([context.vector.numpy() for context in contexts if context.vector is not None])
    return Story(region, chosen, days, articles, cosines(text_halves, at), cosines(joint, at))
