"""Where an export goes: a file that is there whole or not at all, or standard output."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stream_app.errors import UsageError


def check(path: Path, force: bool) -> None:
    """UsageError where no file can be made, or one is there already and may not be replaced."""
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.")
    check_free(path, force)


def check_free(path: Path, force: bool) -> None:
    """UsageError where a file is there already and may not be replaced, or something that is no file."""
    if not path.exists():
        return
    if not path.is_file():
        raise UsageError(f"{path} is no regular file; name another with --output.")
    if not force:
        raise UsageError(f"{path} is there already; --force replaces it, --output names another.")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name when the block has ended well, and is gone if it has not."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
