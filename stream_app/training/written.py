"""Writes what was fitted: each file is there whole or not at all, and none takes the place of another unasked."""

import os
from collections.abc import Mapping
from pathlib import Path

from stream_app.errors import UsageError
from stream_app.export.destination import whole_file
from stream_app.toml_files import read_toml


def check_new(files: list[Path], force: bool) -> None:
    """UsageError for a file that is there already, unless it may be replaced."""
    there = [file for file in files if file.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} is there already; --force replaces it, --output names another place.")


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write files in their order, making their folders; one that is not finished leaves nothing behind."""
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(content)


def check_appendable(models_file: Path | None, model_id: str) -> None:
    """UsageError where a table of this model cannot be added to the models file."""
    if models_file is None:
        raise UsageError("--append needs a models file: set models_file (STREAM_APP_MODELS_FILE).")
    if models_file.exists() and model_id in read_toml(models_file, "models").get("models", {}):
        raise UsageError(f"The models file {models_file} has {model_id} already; leave --append out.")


def append(models_file: Path, table: str) -> None:
    """Add a table at the end of the models file, which is made if it is not there."""
    before = models_file.read_text() if models_file.exists() else ""
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    write_all({models_file: f"{before}{gap}{table}".encode()})


def beside(file: Path, models_file: Path | None) -> Path:
    """The file's path as it stands in a models file, relative to it; absolute where there is none."""
    return file.resolve() if models_file is None else Path(os.path.relpath(file, models_file.parent))
