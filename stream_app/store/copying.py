"""Rows as COPY reads them in its binary format, put together column by column.

A column is a sequence of fields, and a field its length and its value's bytes, as the functions here make them. asyncpg
encodes a row's values one by one, each through its type's codec; this takes a fifth of the time for a context's row.
"""

import datetime as dt
import struct
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from stream_app.store import vectors

NULL = b"\xff\xff\xff\xff"
POSTGRES_DAY = dt.date(2000, 1, 1).toordinal()
POSTGRES_INSTANT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""Postgres counts days and microseconds from here."""
TEXT_OID = 25
MICROSECOND = dt.timedelta(microseconds=1)

_length = struct.Struct(">i").pack
_integer = struct.Struct(">ii").pack
_instant = struct.Struct(">iq").pack
_double = struct.Struct(">id").pack
_array = struct.Struct(">5i").pack
_BOOLEANS = (_length(1) + b"\x00", _length(1) + b"\x01")


def file(columns: Sequence[Iterable[bytes]]) -> bytearray:
    """The rows, a field of each column in each; at least one column is finite. (asyncpg takes bytes for a path.)"""
    fields = chain.from_iterable(zip(repeat(struct.pack(">h", len(columns))), *columns, strict=False))
    return bytearray().join([vectors.COPY_HEADER, *fields, vectors.COPY_TRAILER])


def raw(value: bytes) -> bytes:
    """A field of a value in its type's binary form: bytea, jsonb, a vector."""
    return _length(len(value)) + value


def text(value: str | None) -> bytes:
    """A field of text."""
    return NULL if value is None else raw(value.encode())


def texts(values: Sequence[str]) -> bytes:
    """A field of text[]."""
    head = _array(1, 0, TEXT_OID, len(values), 1) if values else struct.pack(">3i", 0, 0, TEXT_OID)
    return raw(head + b"".join(map(text, values)))


def integer(value: int) -> bytes:
    """A field of int4."""
    return _integer(4, value)


def date(value: dt.date) -> bytes:
    """A field of date."""
    return _integer(4, value.toordinal() - POSTGRES_DAY)


def instant(value: dt.datetime) -> bytes:
    """A field of timestamptz."""
    return _instant(8, (value - POSTGRES_INSTANT) // MICROSECOND)


def double(value: float) -> bytes:
    """A field of float8."""
    return _double(8, value)


def boolean(value: bool) -> bytes:
    """A field of boolean."""
    return _BOOLEANS[value]


def vector_fields(matrix: NDArray[np.float32]) -> list[bytes]:
    """A column of vectors, the rows of a matrix (n, dim)."""
    return [raw(row) for row in vectors.to_rows(matrix)]
