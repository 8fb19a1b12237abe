"""Inputs, told apart by their content; CSV and JSON lines, gzipped or not, are read line by line in bounded memory."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

from stream_app.errors import UsageError
from stream_app.ingest.standard_input import StandardInput

GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LOOK_BYTES = 64 * 1024
READ_BYTES = 256 * 1024
LINE_MAX_BYTES = 4 * 1024 * 1024
"""A record is at most 1 MiB; a line may spend four times that on escapes and on columns that are left out."""
UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading raises of a damaged gzip file or a failing disk."""

DASH = Path("-")
"""What names standard input on a command line."""
STANDARD_INPUT = Path("standard input")
"""What standard input is called in sentences."""

Format = Literal["csv", "jsonl", "parquet"]


class LineTooLong(ValueError):
    """The line is longer than any record may be."""


@dataclass(frozen=True, slots=True)
class Source:
    """What can be ingested: its size in bytes (none: known at its end alone), whether it is gzipped, what it holds."""

    path: Path
    size_bytes: int | None
    gzipped: bool
    format: Format
    standard_input: StandardInput | None = None

    def let_go(self) -> None:
        """Let a thread that waits for more of standard input find its end."""
        if self.standard_input is not None:
            self.standard_input.let_go()


class Lines:
    """A file's lines as bytes, with their end. Raises LineTooLong for one over 4 MiB, after which the next follows."""

    def __init__(self, raw: io.RawIOBase, text: io.BufferedIOBase) -> None:
        self._raw = raw
        self._text = text
        self._inside_long_line = False
        self.number = 0
        """How many lines were read."""

    @property
    def read_bytes(self) -> int:
        """How far the file on disk was read, which runs ahead of the lines by a buffer."""
        return self._raw.tell()

    def __iter__(self) -> Iterator[bytes]:
        """These lines."""
        return self

    def __next__(self) -> bytes:
        """The next line."""
        if self._inside_long_line:
            self._skip_rest()
        line = self._text.readline(LINE_MAX_BYTES)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LINE_MAX_BYTES and not line.endswith(b"\n"):
            self._inside_long_line = True
            raise LineTooLong(f"the line has over {LINE_MAX_BYTES} bytes")
        return line.removeprefix(BYTE_ORDER_MARK) if self.number == 1 else line

    def _skip_rest(self) -> None:
        """Done when the next line is wanted, so that looking at standard input remembers no more than one line."""
        while (rest := self._text.readline(LINE_MAX_BYTES)) and not rest.endswith(b"\n"):
            pass
        self._inside_long_line = False


def look_at(path: Path) -> Source:
    """What kind of input this is (`-` is standard input). Raises UsageError for what cannot be ingested."""
    standard_input = StandardInput() if path == DASH else None
    if standard_input is None:
        _check_is_file(path)
    else:
        path = STANDARD_INPUT
    try:
        with io.BufferedReader(_raw(path, standard_input)) as beginning:
            gzipped = beginning.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        with _raw(path, standard_input) as raw, _text_of(raw, gzipped) as text:
            start = text.read(LOOK_BYTES)
        size_bytes = path.stat().st_size if standard_input is None else None
    except UNREADABLE as error:
        raise UsageError(f"{path} cannot be read: {error}.") from None
    return Source(path, size_bytes, gzipped, _format(path, start, gzipped, standard_input is None), standard_input)


@contextmanager
def opened(source: Source) -> Iterator[Lines]:
    """The lines of a text input, unpacked."""
    with _raw(source.path, source.standard_input) as raw, _text_of(raw, source.gzipped) as text:
        yield Lines(raw, text)


def _check_is_file(path: Path) -> None:
    if not path.exists():
        raise UsageError(f"There is no file {path}.")
    if not path.is_file():
        raise UsageError(
            f"{path} is {'a folder' if path.is_dir() else 'not a regular file'}; name the files to ingest."
        )


def _raw(path: Path, standard_input: StandardInput | None) -> io.RawIOBase:
    return path.open("rb", buffering=0) if standard_input is None else standard_input.from_start()


def _text_of(raw: io.RawIOBase, gzipped: bool) -> io.BufferedReader:
    unpacked = gzip.GzipFile(fileobj=cast(IO[bytes], raw)) if gzipped else raw
    return io.BufferedReader(cast(io.RawIOBase, unpacked), READ_BYTES)


def _format(path: Path, start: bytes, gzipped: bool, can_seek: bool) -> Format:
    if start.startswith(PARQUET_MAGIC):
        if gzipped or not can_seek:
            raise UsageError(f"{path} holds Parquet, which can be read from a file only, and not gzipped.")
        return "parquet"
    start = start.removeprefix(BYTE_ORDER_MARK)
    if not start.strip():
        raise UsageError(f"{path} is empty.")
    if b"\0" in start:
        raise UsageError(f"{path} is not a text file; ingest reads CSV and JSON lines in UTF-8 and Parquet.")
    if start.lstrip().startswith(b"["):
        raise UsageError(f"{path} is one JSON array; ingest reads one JSON object a line (jq -c '.[]' makes them).")
    return "jsonl" if start.lstrip().startswith(b"{") else "csv"
