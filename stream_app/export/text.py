"""CSV: a column a dimension, every number with the digits that give its float32 back."""

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from schemas import DIM
from stream_app.export.columns import COLUMNS, Kind, values
from stream_app.store.exported import DayChunk, ExportedDay
from stream_app.store.models import Model

NUMBERS = tuple(f"v{number:03}" for number in range(DIM))
FLOAT32 = "%#.9g"
"""Nine significant digits: whoever reads them as float32, or as float64 and then float32, gets the number back.

There is always a point, so that no reader takes a column for integers, which know no -0.0.
"""
SEPARATOR = "|"
"""Between a day's instruments."""


def instant(value: dt.datetime) -> str:
    """An instant in UTC, with all its microseconds, so that a column has one form."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


TEXTS: Mapping[Kind, Callable[[Any], str]] = {
    "text": str,
    "texts": SEPARATOR.join,
    "date": dt.date.isoformat,
    "instant": instant,
    "integer": str,
    "float64": repr,
    "float32": lambda value: FLOAT32 % value,
    "flag": lambda value: "true" if value else "false",
}


class CsvContexts:
    """Writes contexts as CSV in UTF-8; what is not known is empty, and so are the numbers that a day lacks.

    Without `vectors` the columns of the numbers are left out.
    """

    def __init__(self, file: BinaryIO, vectors: bool = True) -> None:
        self._file = file
        self._numbers = _numbers if vectors else _no_numbers
        self._put([(*COLUMNS, *(NUMBERS if vectors else ()))])

    def write(self, chunk: DayChunk) -> None:
        """Write a line a day."""
        told = [_texts(COLUMNS[name].kind, column) for name, column in values(chunk).items()]
        self._put([(*row, *self._numbers(day)) for row, day in zip(zip(*told, strict=True), chunk.days, strict=True)])

    def finish(self, models: Sequence[Model]) -> None:
        """Nothing: a CSV file has no place for the models' fingerprints."""

    def close(self) -> None:
        """Nothing: every line is written at once."""

    def _put(self, rows: Sequence[Sequence[str]]) -> None:
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows(rows)
        self._file.write(lines.getvalue().encode())


def _texts(kind: Kind, column: Sequence[Any]) -> list[str]:
    return ["" if value is None else TEXTS[kind](value) for value in column]


def _numbers(day: ExportedDay) -> Sequence[str]:
    if day.vector is None:
        return ("",) * DIM
    return [FLOAT32 % number for number in day.vector.tolist()]


def _no_numbers(_: ExportedDay) -> Sequence[str]:
    return ()
