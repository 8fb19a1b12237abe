"""How a vector travels: base64 of little-endian float32, with its dimension and dtype beside it."""

from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

DIM = 384
"""Dimension of every vector of the product: numeric, text and joint share one space R^384."""
FLOAT32_BYTES = 4


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    """A vector: `dim` numbers of `dtype`, in order, little-endian, four bytes each, without a header.

    In Python: `np.frombuffer(base64.b64decode(data), "<f4")`.
    """

    dim: Annotated[int, Meta(ge=1, le=16_000, description="How many numbers `data` holds")]
    dtype: Literal["float32"] = "float32"
    data: Annotated[bytes, Meta(description="base64 (RFC 4648, padded) of dim * 4 bytes, little-endian float32")]

    def __post_init__(self) -> None:
        if len(self.data) != self.dim * FLOAT32_BYTES:
            raise ValueError(f"a vector says dim={self.dim} and holds {len(self.data)} bytes")

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> "Vector":
        """Pack a float32 array of shape (dim,). ValueError for any other number of axes."""
        if values.ndim != 1:
            raise ValueError(f"a vector has one axis, not {values.ndim}")
        return cls(dim=values.shape[0], data=values.astype("<f4", copy=False).tobytes())

    def numpy(self) -> NDArray[np.float32]:
        """Unpack to a read-only float32 array, shape (dim,)."""
        return np.frombuffer(self.data, dtype="<f4")
