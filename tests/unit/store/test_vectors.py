"""Vectors between numpy and the bytes of a vector column."""

import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from stream_app.store import cuts, vectors

ODD = np.array([[0.0, -0.0, 1.5], [np.inf, np.float32(1e-45), -3.4e38]], np.float32)


@pytest.mark.parametrize(
    "matrix", [ODD, ODD[:, ::-1], ODD[:1], np.zeros((0, 3), np.float32), np.ones((2, 384), np.float32)]
)
def test_a_matrix_comes_back_bit_for_bit(matrix: NDArray[np.float32]) -> None:
    rows = vectors.to_rows(matrix)
    found = vectors.from_rows(rows, matrix.shape[1])
    assert len(rows) == len(matrix)
    assert (found.shape, found.dtype.str, found.tobytes()) == (matrix.shape, "<f4", matrix.tobytes())


def test_a_row_is_pgvectors_binary_form() -> None:
    assert vectors.to_rows(ODD)[0] == struct.pack(">HHfff", 3, 0, 0.0, -0.0, 1.5)


def test_a_copy_file_is_what_copy_reads() -> None:
    numbers = np.array([[1, -5], [2, 2**31 - 1]], np.int32)
    rows = [
        struct.pack(">hiiiii", 3, 4, number, 4, other, 16) + packed
        for (number, other), packed in zip(numbers.tolist(), vectors.to_rows(ODD), strict=True)
    ]
    header = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
    assert bytes(vectors.copy_file(numbers, ODD)) == header + b"".join(rows) + struct.pack(">h", -1)


def test_below_a_cut_means_a_lower_epoch_or_an_offset_under_its_partitions() -> None:
    assert cuts.below("$4", "$5") == (
        "(log_epoch < $4::int OR (log_epoch = $4::int AND log_offset < ($5::bigint[])[log_partition + 1]))"
    )
