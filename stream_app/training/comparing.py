"""The text's share of what moves a joint vector when its halves are swapped. Pure.

It is how far the joint vector moves when a day gets another day's text, squared, against how far it moves for another
day's text or another day's numbers; 0 means that the text is drowned, 1 that the numbers are. Unlike the share that
`evaluation` tells of stored vectors it needs the join itself, and holds for any.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stream_app.training.pairs import Pairs

Join = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]


def swap_share(join: Join, pairs: Pairs) -> float:
    """The text's share, from 0 to 1; every day is swapped with the one half of all days on."""
    numeric, text = pairs.numeric, pairs.text
    away = len(pairs) // 2
    own = join(numeric, text).astype(np.float64)
    of_text = np.square(join(numeric, np.roll(text, away, axis=0)) - own).sum()
    of_numeric = np.square(join(np.roll(numeric, away, axis=0), text) - own).sum()
    return float(of_text / (of_text + of_numeric))
