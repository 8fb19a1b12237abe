"""What the commands that fit a model have in common: the files they write, and its table in the models file."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.models import Registry

Append = Annotated[bool, typer.Option("--append", help="Add the model to the models file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]


def known_models(settings: "Settings", append: bool) -> "Registry":
    """The models that there are; with --append the models file may still be to be made."""
    from stream_app.models import load_registry

    to_be_made = append and settings.models_file is not None and not settings.models_file.exists()
    return load_registry(None if to_be_made else settings.models_file)


def check(settings: "Settings", model_id: str, files: Collection[Path], append: bool, force: bool) -> None:
    """UsageError, before anything is fitted, where its files or its table could not be written."""
    from stream_app.training import written

    written.check_new(files, settings.models_file, force)
    if append:
        written.check_appendable(settings.models_file, model_id)


def write(settings: "Settings", contents: Mapping[Path, bytes], told: str, table: str, append: bool) -> None:
    """Write the files, add the table to the models file if that is asked, say what was done, and print the table."""
    from stream_app.training import written

    written.write_all(contents)
    if append and settings.models_file is not None:
        written.append(settings.models_file, table)
        told += f" {settings.models_file} has its table now."
    say(told)
    put(table.rstrip())
