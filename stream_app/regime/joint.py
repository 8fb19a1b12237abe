"""`joint-regime-core-v1`: the average of a region's numeric vector and its day's text vector."""

import hashlib

import numpy as np
from numpy.typing import NDArray

MODEL_ID = "joint-regime-core-v1"
NUMERIC_WEIGHT = 0.5
TEXT_WEIGHT = 0.5


def joint(numeric: NDArray[np.float32], text: NDArray[np.float32]) -> NDArray[np.float32]:
    """0.5 numeric + 0.5 text in float32; both (384,) or (n, 384)."""
    return (NUMERIC_WEIGHT * numeric + TEXT_WEIGHT * text).astype(np.float32, copy=False)


def fingerprint() -> str:
    """What the vectors depend on beside their halves: sha256 of the model's rules, hexadecimal."""
    rules = f"{MODEL_ID}|{NUMERIC_WEIGHT} numeric + {TEXT_WEIGHT} text|float32"
    return hashlib.sha256(rules.encode()).hexdigest()


def l2_norm(vector: NDArray[np.float32]) -> np.float32:
    """The Euclidean norm of a vector (384,), the float32 nearest to it on every processor.

    Summed in float64: a float32 dot product adds in an order that depends on the processor, as do its last digits then.
    """
    found: np.float32 = l2_norms(vector[np.newaxis])[0]
    return found


def l2_norms(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The `l2_norm` of each of the vectors (n, 384): (n,)."""
    found: NDArray[np.float32] = np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=1)).astype(np.float32)
    return found
