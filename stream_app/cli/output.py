"""Results go to standard output, words for the person to standard error; a reader that has gone is no error."""

import datetime as dt
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import typer

SHOWN_DAYS = 5


@contextmanager
def reader_may_leave(stream: TextIO) -> Iterator[None]:
    """Let `| head -1` end the command quietly, also when Python flushes the stream once more at its exit."""
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise typer.Exit(0) from None


def put(text: str) -> None:
    """Write a result, a line's end after it."""
    with reader_may_leave(sys.stdout):
        sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Tell the person something."""
    with reader_may_leave(sys.stderr):
        sys.stderr.write(text + "\n")


def first_days(days: Sequence[dt.date]) -> str:
    """The first of some days, and whether there are more."""
    return ", ".join(map(str, days[:SHOWN_DAYS])) + (" …" if len(days) > SHOWN_DAYS else "")
