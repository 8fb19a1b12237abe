"""Writes what was fitted: each file is there whole or not at all, and none takes the place of another unasked."""

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from stream_app.errors import UsageError
from stream_app.export.destination import check_free, whole_file

Value = str | float | Sequence[str]

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_DELETE = "\x7f"
"""Of the characters that TOML wants escaped the only one that JSON leaves as it is."""


def named(folder: Path, name: str, kinds: Sequence[str]) -> dict[str, Path]:
    """The files of a name by kind, which is their ending. UsageError for a name that is none of a file."""
    if not _FILE_NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a file here: letters, digits, dots, dashes and underscores.")
    return {kind: folder / f"{name}.{kind}" for kind in kinds}


def check_new(files: Collection[Path], models_file: Path | None, force: bool) -> None:
    """UsageError for a file that is there already, unless it may be replaced; in any case for the models file, and for
    one that could not be written."""
    for file in files:
        if models_file is not None and file.resolve() == models_file.resolve():
            raise UsageError(f"{file} is the models file; name another with --output.")
        check_free(file, force)
        check_writable(file)


def check_writable(file: Path) -> None:
    """UsageError where no file can be made in its folder, or in the one that this would be made in."""
    there = next(folder for folder in file.absolute().parents if folder.exists())
    if not there.is_dir():
        raise UsageError(f"{there} is no folder; name another with --output.")
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from None


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write files in their order, making their folders; one that is not finished leaves nothing behind.

    UsageError for one that cannot be written.
    """
    for path, content in contents.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as file:
                file.write(content)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from None


def table(model_id: str, **values: Value) -> str:
    """A model's table for the models file, TOML, with a line a value."""
    lines = [f"[models.{_toml(model_id)}]", *(f"{name} = {_toml(value)}" for name, value in values.items())]
    return "\n".join([*lines, ""])


def append(models_file: Path, table: str) -> None:
    """Add a table at the end of the models file, which is made if it is not there."""
    before = models_file.read_text(encoding="utf-8") if models_file.exists() else ""
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    write_all({models_file: f"{before}{gap}{table}".encode()})


def beside(file: Path, models_file: Path | None) -> Path:
    """The file's path as it stands in a models file, relative to it; absolute where there is none."""
    return file.resolve() if models_file is None else Path(os.path.relpath(file, models_file.parent))


def _toml(value: Value) -> str:
    """As TOML has it: text and lists of text look as in JSON."""
    return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")
