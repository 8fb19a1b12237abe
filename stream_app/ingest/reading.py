"""The rows of an input, whatever its format, and how far it was read."""
# ruff: noqa: PLC0415 - pyarrow takes 0.3 s to import, and most inputs are text

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from stream_app.ingest.files import Source, opened
from stream_app.ingest.kinds import Kind
from stream_app.ingest.rows import Row, rows


class Position(Protocol):
    """How far an input was read."""

    number: int
    """In lines of text or rows of a table."""

    @property
    def read_bytes(self) -> int:
        """In bytes on disk."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An input that is being read. The rows raise UsageError first of all where a needed column is lacking."""

    rows: Iterator[Row]
    position: Position


@contextmanager
def reading(source: Source, kind: Kind[Any]) -> Iterator[Reading]:
    """The input from its start. Raises OSError, EOFError or zlib.error where it is damaged."""
    if source.format == "parquet":
        from stream_app.ingest.parquet import opened_table

        with opened_table(source.path) as table:
            yield Reading(table.rows(kind), table)
    else:
        with opened(source) as lines:
            yield Reading(rows(source, lines, kind), lines)
