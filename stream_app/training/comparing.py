"""What joint spaces are worth beside each other, on the same pairs. Pure.

- Text's share: how far the joint vector moves when a day gets another day's text, squared, against how far it moves for
  another day's text or another day's numbers; 0 means that the text is drowned, 1 that the numbers are.
- Analogue skill: each day's target is told by the mean target of the k earlier days most like it (cosine), at least a
  gap before it; the Spearman correlation of what is told with what came.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stream_app.training.pairs import Pairs

GAP_DAYS = 45
"""Calendar days, some 30 sessions."""

Join = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]


def text_share(join: Join, pairs: Pairs) -> float:
    """The text's share of what tells days apart, from 0 to 1; every day is paired with the one half of all days on."""
    numeric, text = pairs.numeric, pairs.text
    away = len(pairs) // 2
    own = join(numeric, text).astype(np.float64)
    of_text = np.square(join(numeric, np.roll(text, away, axis=0)) - own).sum()
    of_numeric = np.square(join(np.roll(numeric, away, axis=0), text) - own).sum()
    return float(of_text / (of_text + of_numeric))


def analogue_skill(
    vectors: NDArray[np.float32],
    days: NDArray[np.datetime64],
    target: NDArray[np.float64],
    asked: NDArray[np.int64],
    k: int = 50,
) -> float:
    """The Spearman correlation over the asked days, by index, of vectors (n, 384) and targets (n,) of days in order.

    Each needs at least k days that are GAP_DAYS or more before it.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    directions = vectors / np.where(lengths > 0, lengths, 1)
    told = np.empty(len(asked))
    for place, day in enumerate(asked.tolist()):
        earlier = int(np.searchsorted(days, days[day] - np.timedelta64(GAP_DAYS, "D"), side="right"))
        alike = directions[:earlier] @ directions[day]
        told[place] = target[np.argsort(-alike, kind="stable")[:k]].mean()
    return float(np.corrcoef(_ranks(told), _ranks(target[asked]))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0, the mean rank for values that are the same."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts) - 1
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return ranks
