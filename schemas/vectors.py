"""How a vector travels: base64 of little-endian float32, with its dimension and dtype beside it."""

from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

DIM = 384
"""Dimension of every vector of the product: numeric, text and joint share one space R^384."""


class Vector(msgspec.Struct, frozen=True, kw_only=True):
    """A vector in a JSON event. `data` is base64 in JSON and bytes in memory."""

    dim: Annotated[int, msgspec.Meta(ge=1)]
    dtype: Literal["float32"] = "float32"
    data: bytes

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> "Vector":
        """Pack a one-dimensional float32 array, shape (dim,)."""
        return cls(dim=values.shape[0], data=values.astype("<f4", copy=False).tobytes())

    def numpy(self) -> NDArray[np.float32]:
        """Unpack to a read-only float32 array, shape (dim,). ValueError if the bytes do not hold `dim` numbers."""
        values = np.frombuffer(self.data, dtype="<f4")
        if values.shape[0] != self.dim:
            raise ValueError(f"a vector says dim={self.dim} and holds {values.shape[0]} numbers")
        return values
