"""Input files: CSV or JSON lines, gzipped or not, told apart by their content, read line by line in bounded memory."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from stream_app.errors import UsageError

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LOOK_BYTES = 64 * 1024
READ_BYTES = 256 * 1024
LINE_MAX_BYTES = 4 * 1024 * 1024
"""A record is at most 1 MiB; a line may spend four times that on escapes and on columns that are left out."""
UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading raises of a damaged gzip file or a failing disk."""

Format = Literal["csv", "jsonl"]


class LineTooLong(ValueError):
    """The line is longer than any record may be."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be ingested: its size on disk in bytes, whether it is gzipped, and what its lines are."""

    path: Path
    size_bytes: int
    gzipped: bool
    format: Format


class Lines:
    """A file's lines as bytes, with their end. Raises LineTooLong for one over 4 MiB, after which the next follows."""

    def __init__(self, raw: io.FileIO, text: io.BufferedIOBase) -> None:
        self._raw = raw
        self._text = text
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
        line = self._text.readline(LINE_MAX_BYTES)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LINE_MAX_BYTES and not line.endswith(b"\n"):
            self._skip_rest()
            raise LineTooLong(f"the line has over {LINE_MAX_BYTES} bytes")
        return line.removeprefix(BYTE_ORDER_MARK) if self.number == 1 else line

    def _skip_rest(self) -> None:
        while (rest := self._text.readline(LINE_MAX_BYTES)) and not rest.endswith(b"\n"):
            pass


def look_at(path: Path) -> Source:
    """What kind of file this is. Raises UsageError, one sentence, for what cannot be ingested."""
    if not path.exists():
        raise UsageError(f"There is no file {path}.")
    if not path.is_file():
        raise UsageError(
            f"{path} is {'a folder' if path.is_dir() else 'not a regular file'}; name the files to ingest."
        )
    try:
        with path.open("rb", buffering=0) as raw:
            gzipped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            raw.seek(0)
            with _text_of(raw, gzipped) as text:
                start = text.read(LOOK_BYTES)
    except UNREADABLE as error:
        raise UsageError(f"{path} cannot be read: {error}.") from None
    return Source(path, path.stat().st_size, gzipped, _format(path, start.removeprefix(BYTE_ORDER_MARK)))


@contextmanager
def opened(source: Source) -> Iterator[Lines]:
    """The file's lines, unpacked."""
    with source.path.open("rb", buffering=0) as raw, _text_of(raw, source.gzipped) as text:
        yield Lines(raw, text)


def _text_of(raw: io.FileIO, gzipped: bool) -> io.BufferedReader:
    unpacked = cast(io.RawIOBase, gzip.GzipFile(fileobj=raw)) if gzipped else raw
    return io.BufferedReader(unpacked, READ_BYTES)


def _format(path: Path, start: bytes) -> Format:
    if not start.strip():
        raise UsageError(f"{path} is empty.")
    if b"\0" in start:
        raise UsageError(f"{path} is not a text file; ingest reads CSV and JSON lines in UTF-8, gzipped or not.")
    if start.lstrip().startswith(b"["):
        raise UsageError(f"{path} is one JSON array; ingest reads one JSON object a line (jq -c '.[]' makes them).")
    return "jsonl" if start.lstrip().startswith(b"{") else "csv"
