"""`projected`: numeric and text vector led into one learned space, where those of the same day lie near each other.

With x a half, m and s its fitted mean and scale, and W its learned matrix (`stream_app/training` fits all of them):

    u = clip((x - m) / s, -5, 5)        v = W u        t(x) = v / |v|        joint = t(numeric) + t(text)

The squared length of the joint vector is 2 + 2 cos(t(numeric), t(text)): from 0 to 4, above 2 where prices and news
agree with what they were trained on. W has `dim` rows, and the joint vector that many numbers, followed by zeros.

A day's vector must have the same bytes whatever days are computed with it, live one and in a replay a thousand. A
product of matrices adds in an order that depends on its shape, so everything is added here element by element in one
fixed order, in float64, and without functions whose last digits depend on the processor.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM

CLIP = 5.0
"""Standard deviations: a day beyond what was seen in training counts as at the edge of it."""
ROWS_AT_A_TIME = 1_024
"""Of a call's days, 3 MB a half in float64."""
HALVES = ("numeric", "text")
RULES = f"projected|clip={CLIP:g}|linear|L2|sum of both|zero-filled to {DIM}"
"""What joint vectors depend on beside their halves and the arrays."""

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Tower:
    """One half's way into the learned space, all float32: mean (384,), scale (384,), all above 0, and matrix
    (dim, 384)."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    matrix: NDArray[np.float32]

    def __call__(self, half: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, 384) -> (n, dim), each of length 1; zeros for a half that the matrix makes nothing of."""
        standard = np.clip((half.astype(np.float64) - self.mean) / self.scale, -CLIP, CLIP)
        turned = self.matrix.astype(np.float64).T
        led = np.zeros((len(half), turned.shape[1]))
        for place in range(DIM):
            led += standard[:, place, None] * turned[place]
        lengths = np.sqrt(_row_sums(led * led))[:, None]
        return np.divide(led, lengths, out=np.zeros_like(led), where=lengths > 0)


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The two towers of a trained joint space, of the same dim, at most 384."""

    numeric: Tower
    text: Tower

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> "Projection":
        """From `numeric.mean`, `numeric.scale`, `numeric.matrix` and the same of `text`.

        Raises ValueError for arrays that are missing, left over, of another shape or type, or not finite.
        """
        wanted = {f"{half}.{part}" for half in HALVES for part in ("mean", "scale", "matrix")}
        if arrays.keys() != wanted:
            raise ValueError(f"there are {', '.join(sorted(arrays))}, not {', '.join(sorted(wanted))}")
        dim = len(arrays["numeric.matrix"])
        for name, array in arrays.items():
            shape = (dim, DIM) if name.endswith("matrix") else (DIM,)
            if array.dtype != np.float32 or array.shape != shape or not 1 <= dim <= DIM:
                raise ValueError(f"{name} is {array.dtype} {array.shape}, not float32 {shape} with dim from 1 to {DIM}")
            if not np.isfinite(array).all() or (name.endswith("scale") and (array <= 0).any()):
                raise ValueError(f"{name} has numbers that are not finite or a scale that is not above 0")
        numeric, text = (
            Tower(arrays[f"{half}.mean"], arrays[f"{half}.scale"], arrays[f"{half}.matrix"]) for half in HALVES
        )
        return cls(numeric, text)

    def join(self, numeric: NDArray[np.float32], text: NDArray[np.float32]) -> NDArray[np.float32]:
        """Halves (n, 384) -> joint vectors (n, 384). A row's bytes depend on that row alone."""
        joint = np.zeros((len(numeric), DIM), np.float32)
        for start in range(0, len(numeric), ROWS_AT_A_TIME):
            rows = slice(start, start + ROWS_AT_A_TIME)
            led = self.numeric(numeric[rows]) + self.text(text[rows])
            joint[rows, : led.shape[1]] = led
        return joint


def _row_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, dim) -> (n,): the halves of each row added to each other until one number is left, so in the same order for
    any n; numpy's own sum would take another one for a single row."""
    while values.shape[1] > 1:
        half, odd = divmod(values.shape[1], 2)
        folded = values[:, :half] + values[:, half : 2 * half]
        values = np.concatenate([folded, values[:, -1:]], axis=1) if odd else folded
    return values[:, 0]
