"""Parquet files, read batch by batch in bounded memory. It imports pyarrow: import it for such a file only."""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import Rejected
from stream_app.ingest.columns import Column, columns
from stream_app.ingest.kinds import Kind
from stream_app.ingest.rows import INVALID, Fields, Row

BATCH_ROWS = 2_000
BATCH_BYTES = 4 * 1024 * 1024
"""Of a batch before it is decoded, by the average row of its row group."""
BUFFER_BYTES = 256 * 1024
"""Of a column that is being read: without one, a row group's columns are read whole."""
UNREADABLE = (ValueError, OverflowError, LookupError, pa.ArrowException)
"""What a value raises that Python cannot hold: text that is not UTF-8, a year beyond 9999, an unknown time zone."""

Convert = Callable[[Any], Any]


class Table:
    """A Parquet file's rows, numbered from 1."""

    def __init__(self, path: Path, file: pq.ParquetFile) -> None:
        self._path = path
        self._file = file
        self._rows: int = file.metadata.num_rows
        self._size_bytes = path.stat().st_size
        self.number = 0
        """How many rows were read."""

    @property
    def read_bytes(self) -> int:
        """How far the file was read, as far as its rows tell."""
        return self._size_bytes * self.number // max(self._rows, 1)

    def rows(self, kind: Kind[Any]) -> Iterator[Row]:
        """The rows. Raises UsageError where a column is lacking, OSError where the file is damaged."""
        found = columns(self._path, self._file.schema_arrow.names, kind)
        converters = [_converter(column, kind) for column in found]
        for batch in self._batches():
            for values in zip(*map(_values, batch.columns), strict=True):
                self.number += 1
                yield _row(self.number, found, converters, values)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with _errors_as_of_the_system():
            for number in range(self._file.num_row_groups):
                group = self._file.metadata.row_group(number)
                fitting = BATCH_BYTES * group.num_rows // max(group.total_byte_size, 1)
                size = max(1, min(fitting, BATCH_ROWS))
                yield from self._file.iter_batches(size, row_groups=[number], use_threads=False)


@contextmanager
def opened_table(path: Path) -> Iterator[Table]:
    """The file's rows. Raises OSError where it is no Parquet file or a damaged one."""
    with _errors_as_of_the_system():
        file = pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False)
    with file:
        yield Table(path, file)


@contextmanager
def _errors_as_of_the_system() -> Iterator[None]:
    try:
        yield
    except pa.ArrowException as error:
        raise OSError(str(error).partition("\n")[0].rstrip(".")) from error


def _values(column: pa.Array) -> list[Any]:
    """The column's values, in place of one that Python cannot hold the exception that says so."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        found: list[Any] = column.to_pylist(maps_as_pydicts="strict")
    except UNREADABLE:
        return [_value(scalar) for scalar in column]
    return found


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py(maps_as_pydicts="strict")
    except UNREADABLE as error:
        return error


def _row(number: int, found: Sequence[Column], converters: Sequence[Convert], values: tuple[Any, ...]) -> Row:
    fields: Fields = {}
    extra: Fields = {}
    for column, convert, value in zip(found, converters, values, strict=True):
        name = column.field or column.name
        try:
            converted = None if value is None else convert(value)
        except UnicodeDecodeError as error:
            return Row(number, Rejected("not-utf8", f"{name}: {error}"), {})
        except UNREADABLE as error:
            return Row(number, Rejected(INVALID, f"{name} {error}"), {})
        if column.field is None:
            extra[name] = converted
        elif converted is not None:
            fields[name] = converted
    return Row(number, fields, extra)


def _converter(column: Column, kind: Kind[Any]) -> Convert:
    if column.field is None:
        return _plain
    cell = kind.cells[column.field]
    is_key = column.field == kind.key

    def convert(value: Any) -> Any:
        if isinstance(value, str):
            return cell(value) if value or cell is str else None
        if is_key and type(value) is int:
            return str(value)
        return _field(value)

    return convert


def _field(value: Any) -> Any:
    """A field's value as JSON can hold it. Raises ValueError for what would lose its meaning there."""
    match value:
        case float() | Decimal():
            number = float(value)
            if not math.isfinite(number):
                raise ValueError("is not a finite number")
            return number
        case dt.datetime() if value.tzinfo is None and value.time() == dt.time.min:
            return value.date().isoformat()  # so pandas writes a date
        case dt.datetime() if value.tzinfo is None:
            raise ValueError("is a timestamp without a time zone")
        case bytes():
            raise ValueError("is of a binary type; text is needed")
    return _plain(value)


def _plain(value: Any) -> Any:
    """Any value as JSON can hold it: decimals become text, binary base64; what is not finite becomes null."""
    match value:
        case UnicodeDecodeError():
            raise value
        case Exception():
            raise ValueError(f"cannot be read: {value}")
        case dt.date() | dt.time():
            return value.isoformat()
        case dict():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case str() | bool() | int() | float() | bytes() | None:
            return value
    return str(value)
