"""Standard input, which cannot be read twice: what was read to look at it is remembered."""

import io
import os
import select
import sys
from typing import Any

from stream_app.errors import UsageError

DESCRIPTOR = 0
"""Of standard input, in every process."""


class StandardInput:
    """Bytes of a pipe, a terminal or a file, at which one can look before they are read for good."""

    def __init__(self) -> None:
        """Read nothing yet. Raises UsageError where there is none: its descriptor would be the next file's."""
        if sys.stdin is None:
            raise UsageError("Standard input (-) is closed.")
        self._descriptor = DESCRIPTOR
        self._remembered = bytearray()
        self._remembering = True
        self._wake, self._waker = os.pipe()

    def from_start(self) -> "FromStart":
        """A stream of all bytes. There is one at a time, and one in all after `remember_no_more`."""
        return FromStart(self)

    def remember_no_more(self) -> None:
        """The next stream is the last one."""
        self._remembering = False

    def let_go(self) -> None:
        """Let a thread that waits for bytes find the end, now and ever after."""
        os.write(self._waker, b"!")

    def read_at(self, position: int, size_bytes: int) -> bytes:
        """At most so many bytes from a position that was reached before; none at the end."""
        if position < len(self._remembered):
            return bytes(self._remembered[position : position + size_bytes])
        ready, _, _ = select.select([self._descriptor, self._wake], [], [])
        if self._wake in ready:
            return b""
        found = os.read(self._descriptor, size_bytes)
        if self._remembering:
            self._remembered += found
        return found


class FromStart(io.RawIOBase):
    """Standard input as a file that can be read once, forwards."""

    def __init__(self, source: StandardInput) -> None:
        """Begin at the first byte."""
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a part of the buffer; 0 at the end."""
        found = self._source.read_at(self._position, len(buffer))
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def tell(self) -> int:
        """How many bytes were read."""
        return self._position
