"""The rows of a file as fields by name, or why a row has none."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas import Rejected
from schemas.topics import RECORD_MAX_BYTES
from schemas.wording import no_json
from stream_app.errors import UsageError
from stream_app.ingest.columns import Column, columns
from stream_app.ingest.files import Lines, LineTooLong, Source
from stream_app.ingest.kinds import Cell, Kind

INVALID, TOO_LARGE = "invalid", "too-large"

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on, and its fields (an empty cell and a null give none), or why it cannot be read.

    `extra` are the columns that the event does not know. A row of one line needs no `last_line`.
    """

    line: int
    fields: Fields | Rejected
    extra: Fields
    last_line: int = 0

    @property
    def place(self) -> str:
        """Its line; of a row of several the first and the last, for a stray quote takes many lines into one row."""
        return f"{self.line}-{self.last_line}" if self.last_line > self.line else f"{self.line}"


def rows(source: Source, lines: Lines, kind: Kind[Any]) -> Iterator[Row]:
    """The rows of a file. Raises UsageError for a CSV file whose header lacks a column that is needed."""
    return _csv_rows(source, lines, kind) if source.format == "csv" else _json_rows(lines, kind)


def _json_rows(lines: Lines, kind: Kind[Any]) -> Iterator[Row]:
    fields = kind.fields_by_column()
    while True:
        try:
            line = next(lines)
        except StopIteration:
            return
        except LineTooLong as error:
            yield Row(lines.number, Rejected(TOO_LARGE, str(error)), {})
            continue
        if not line.isspace():
            yield _json_row(lines.number, line, fields, kind.key)


def _json_row(number: int, line: bytes, known: Mapping[str, str], key: str) -> Row:
    try:
        found = msgspec.json.decode(line)
    except UnicodeDecodeError as error:
        return Row(number, Rejected("not-utf8", str(error)), {})
    except (msgspec.DecodeError, RecursionError) as error:
        return Row(number, Rejected("not-json", no_json(line, str(error))), {})
    if not isinstance(found, dict):
        return Row(number, Rejected(INVALID, "the line is not a JSON object"), {})
    fields = {known[name]: value for name, value in found.items() if name in known and value is not None}
    if type(fields.get(key)) is int:
        fields[key] = str(fields[key])
    return Row(number, fields, {name: value for name, value in found.items() if name not in known})


def _csv_rows(source: Source, lines: Lines, kind: Kind[Any]) -> Iterator[Row]:
    csv.field_size_limit(RECORD_MAX_BYTES)  # a quote that never closes swallows no more than this
    reader = csv.reader(map(_decoded, lines), strict=True)
    cells_of = [(c.field or c.name, kind.cells[c.field] if c.field else None) for c in _header(source, reader, kind)]
    while True:
        begins = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(begins, _not_csv(error), {}, lines.number)
            continue
        except LineTooLong as error:
            yield Row(begins, Rejected(TOO_LARGE, str(error)), {}, lines.number)
            continue
        if cells:
            fields, extra = _csv_row(cells_of, cells)
            yield Row(begins, fields, extra, lines.number)


def _decoded(line: bytes) -> str:
    """The line as text; bytes that are not UTF-8 become lone surrogates, which JSON refuses later."""
    return line.decode("utf-8", "surrogateescape")


def _not_csv(error: csv.Error) -> Rejected:
    if "field larger than field limit" in str(error):
        told = f"a cell has over {RECORD_MAX_BYTES} characters, or its quote never closes"
        return Rejected(TOO_LARGE, told)
    if "unexpected end of data" in str(error):
        return Rejected(INVALID, "a quote in the row never closes, so the rest of the file belongs to the row")
    return Rejected(INVALID, f"the row is not CSV: {error}")


def _csv_row(cells_of: Sequence[tuple[str, Cell | None]], cells: list[str]) -> tuple[Fields | Rejected, Fields]:
    """The fields, and the columns that the event does not know."""
    if len(cells) != len(cells_of):
        return Rejected(INVALID, f"the row has {len(cells)} columns; the header has {len(cells_of)}"), {}
    fields: Fields = {}
    extra: Fields = {}
    for (name, convert), cell in zip(cells_of, cells, strict=True):
        if convert is None:
            extra[name] = cell or None
        elif cell:
            try:
                fields[name] = convert(cell)
            except ValueError as error:
                return Rejected(INVALID, f"{name} {error}"), {}
    return fields, extra


def _header(source: Source, reader: Iterator[list[str]], kind: Kind[Any]) -> list[Column]:
    try:
        names = next(filter(None, reader), [])  # behind empty lines
        "".join(names).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{source.path} is not in UTF-8, as its header shows; ingest reads no other CSV.") from None
    except (csv.Error, LineTooLong) as error:
        raise UsageError(f"{source.path} does not begin with a CSV header: {error}.") from None
    return columns(source.path, names, kind)
