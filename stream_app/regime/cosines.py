"""The cosine of vectors, which says how much two days are alike: computed in float64."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def unit(vectors: NDArray[np.float32]) -> Array:
    """The vectors (n, d) at length 1, without the numbers that are 0 in all of them. A vector of zeros stays one."""
    used = vectors[:, (vectors != 0).any(axis=0)].astype(np.float64)
    lengths = np.sqrt(np.square(used).sum(axis=1, keepdims=True))
    scaled: Array = np.divide(used, lengths, out=np.zeros_like(used), where=lengths > 0)
    return scaled


def cosines(vectors: NDArray[np.float32], at: int) -> Array:
    """The cosine of each of the vectors (n, d) to the one at an index: (n,)."""
    scaled = unit(vectors)
    found: Array = scaled @ scaled[at]
    return found


def to_the_one_before(vectors: NDArray[np.float32]) -> Array:
    """The cosine of each of the vectors (n, d) but the first to the one before it: (n - 1,)."""
    scaled = unit(vectors)
    found: Array = (scaled[1:] * scaled[:-1]).sum(axis=1)
    return found
