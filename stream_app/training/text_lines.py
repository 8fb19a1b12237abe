"""Texts from a file, one a line."""

from collections.abc import Iterator
from pathlib import Path

from stream_app.errors import UsageError

PAGE_TEXTS = 128
LINE_MAX_CHARACTERS = 1024 * 1024
"""As a record."""


def read_lines(file: Path, limit: int) -> Iterator[list[str]]:
    """The first texts of a file, at most `limit`, some at a time; empty lines are none.

    UsageError for a file that is not UTF-8 or has a line that is too long.
    """
    page: list[str] = []
    left = limit
    try:
        with file.open(encoding="utf-8") as lines:
            while left and (line := lines.readline(LINE_MAX_CHARACTERS + 1)):
                if len(line) > LINE_MAX_CHARACTERS:
                    raise UsageError(f"{file} has a line of over {LINE_MAX_CHARACTERS:,} characters.")
                if text := line.strip():
                    page.append(text)
                    left -= 1
                if len(page) == PAGE_TEXTS:
                    yield page
                    page = []
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8: {error.reason}.") from None
    if page:
        yield page
