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


def test_a_copy_file_is_what_copy_reads_its_rows_grouped_by_the_width_of_their_names() -> None:
    names, constants = ["SPX.US", "Ö", "DAX.EU", "AB"], [b"model", b"", b"\x01{}"]
    numbers = np.array([[1, -5], [2, 2**31 - 1], [3, 0], [4, -(2**31)]], np.int32)
    matrix = np.concatenate([ODD, ODD + 1])
    rows = [
        struct.pack(">hi", 7, len(name.encode()))
        + name.encode()
        + struct.pack(">iiii", 4, number, 4, other)
        + struct.pack(">i5siI3si", 5, b"model", 0, 3, b"\x01{}", 16)
        + packed
        for name, (number, other), packed in zip(names, numbers.tolist(), vectors.to_rows(matrix), strict=True)
    ]
    header = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
    expected = header + rows[1] + rows[3] + rows[0] + rows[2] + struct.pack(">h", -1)
    assert vectors.copy_file(names, numbers, constants, matrix) == expected


def test_a_copy_file_of_nothing_has_no_rows() -> None:
    file = vectors.copy_file([], np.zeros((0, 2), np.int32), [b"model"], np.zeros((0, 3), np.float32))
    assert file == vectors.COPY_HEADER + vectors.COPY_TRAILER


def test_below_a_cut_means_a_lower_epoch_or_an_offset_under_its_partitions() -> None:
    assert cuts.below("$4", "$5") == (
        "(log_epoch < $4::int OR (log_epoch = $4::int AND log_offset < ($5::bigint[])[log_partition + 1]))"
    )
