"""A vector travels without losing a bit."""

import base64
import json

import msgspec
import numpy as np
import pytest

from schemas import DIM, Vector, encode


def test_a_vector_comes_back_bit_for_bit() -> None:
    values = np.random.default_rng(1).standard_normal(DIM).astype(np.float32)
    values[:4] = np.array([0.0, -0.0, 3.4028235e38, 1e-45], dtype=np.float32)
    back = msgspec.json.decode(encode(Vector.of(values)), type=Vector).numpy()
    assert back.dtype == np.float32
    assert back.tobytes() == values.tobytes()
    assert not back.flags.writeable


def test_a_vector_is_base64_of_little_endian_float32_for_any_reader() -> None:
    wire = json.loads(encode(Vector.of(np.array([1.0, -2.5], dtype=">f4"))))
    assert wire == {"dim": 2, "dtype": "float32", "data": "AACAPwAAIMA="}
    assert np.frombuffer(base64.b64decode(wire["data"]), "<f4").tolist() == [1.0, -2.5]


@pytest.mark.parametrize(("dim", "size"), [(2, 4), (1, 8), (1, 5), (1, 0)])
def test_a_dim_that_is_not_the_length_is_an_error(dim: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"dim={dim} and holds {size} bytes"):
        Vector(dim=dim, data=bytes(size))


def test_an_array_of_vectors_is_no_vector() -> None:
    with pytest.raises(ValueError, match="one axis, not 2"):
        Vector.of(np.zeros((1, 4), dtype=np.float32))
