"""Pairs of which the answer is known: both halves of a day show the same hidden state, each in its own way."""

import numpy as np
from numpy.typing import NDArray

from stream_app.training.pairs import Pairs

HIDDEN = 6
FIRST_DAY = np.datetime64("2010-01-04", "D")


def planted(days: int, *, seed: int = 0, regions: tuple[str, ...] = ("US",)) -> Pairs:
    """The pairs of `with_states`."""
    return with_states(days, seed, regions)[0]


def with_states(days: int, seed: int = 0, regions: tuple[str, ...] = ("US",)) -> tuple[Pairs, NDArray[np.float64]]:
    """A pair a region and day: 40 numbers show the day's hidden state, 160 are noise that is larger, the others are
    constant.

    The numeric half is about 1e8 times as large as the text half, as raw volumes are. Also the states, (n, HIDDEN).
    """
    rng = np.random.default_rng(seed)
    count = days * len(regions)
    state = rng.normal(size=(count, HIDDEN))
    halves = []
    for size in (1e8, 1.0):
        half = np.zeros((count, 384))
        half[:, :40] = state @ rng.normal(size=(HIDDEN, 40)) + rng.normal(size=(count, 40))
        half[:, 40:200] = 10 * rng.normal(size=(count, 160))
        halves.append((size * half).astype(np.float32))
    named, dated = np.tile(np.array(regions), days), np.repeat(FIRST_DAY + np.arange(days), len(regions))
    return Pairs(named, dated, *halves), state
