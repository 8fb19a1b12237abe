"""From a text model's own dimension to 384: a fitted projection for more numbers, zeros for fewer, never a cut.

More than 384 numbers are projected on the 384 orthonormal directions that hold the most of what the model says, the
eigenvectors of the largest eigenvalues of X'X for vectors X of many texts (a principal component analysis without
centring). Among all projections on 384 directions it keeps the texts' inner products best (Eckart and Young, 1936), and
the inner product of vectors of length 1 is what similar texts are found by; centring would change it.

Fewer numbers get zeros at the end. That keeps every inner product exactly, needs no fit and no file; an orthonormal map
would keep them as well, but rounded.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from schemas import DIM
from stream_app.encoding.encoder import TextModel
from stream_app.errors import Fatal

MOST_NUMBERS = 16_384
"""Of a model's vector: its moments are (16,384, 16,384) float64, 2 GiB."""
METADATA = "projection"
"""The one key of the file's metadata, with JSON: several keys are written in an order that changes from run to run."""


class FittedOn(msgspec.Struct, frozen=True):
    """What a projection was fitted on: the fingerprint of the model without it, how many texts, and how much of their
    squared length it keeps, from 0 to 1."""

    model: str
    texts: int
    kept: float


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Orthonormal directions, float32 (384, dim) with dim > 384, and what they were fitted on."""

    directions: NDArray[np.float32]
    fitted_on: FittedOn

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, dim) -> (n, 384), of length 1 (L2); zeros for a vector that has nothing in these directions."""
        projected = vectors @ self.directions.T
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        found: NDArray[np.float32] = np.divide(projected, lengths, out=np.zeros_like(projected), where=lengths > 0)
        return found

    def to_bytes(self) -> bytes:
        """A safetensors file; the same projection gives the same bytes."""
        told = json.dumps(msgspec.to_builtins(self.fitted_on), sort_keys=True)
        return save({"directions": self.directions}, {METADATA: told})


def read_projection(path: Path) -> Projection:
    """A projection from its file. Fatal for a file that is missing or holds none."""
    try:
        with safe_open(path, "numpy") as file:
            count, dim = file.get_slice("directions").get_shape()
            if count != DIM or not DIM < dim <= MOST_NUMBERS:
                raise ValueError(f"its directions are {(count, dim)}, not ({DIM}, more than {DIM})")
            fitted_on = msgspec.json.decode((file.metadata() or {}).get(METADATA, ""), type=FittedOn)
            directions = file.get_tensor("directions")
        if directions.dtype != np.float32 or not np.isfinite(directions).all():
            raise ValueError("its directions are not finite float32")
    except (OSError, SafetensorError, msgspec.DecodeError, ValueError) as error:
        raise Fatal(f"The text projection {path} cannot be used: {error}.") from None
    return Projection(directions, fitted_on)


class ModelOf384:
    """A text model of another dimension, whose vectors are projected or padded to 384 numbers."""

    def __init__(self, model: TextModel, projection: Projection | None) -> None:
        """Without a projection the model's vectors have fewer than 384 numbers."""
        self._model = model
        self._projection = projection

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """As the model does."""
        return self._model.tokenize(texts)

    def embed(self, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
        """(n, 384), of length 1 (L2)."""
        vectors = self._model.embed(tokens)
        return padded(vectors) if self._projection is None else self._projection.apply(vectors)


def padded(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, dim) with dim < 384 -> (n, 384): zeros at the end."""
    return np.pad(vectors, ((0, 0), (0, DIM - vectors.shape[1])))
