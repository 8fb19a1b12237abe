"""What the commands that fit a model have in common: the files they write, and its table in the models file."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.asking import ask_database
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.models import Registry
    from stream_app.store.models import Model

Append = Annotated[bool, typer.Option("--append", help="Add the model to the models file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]


def known_models(settings: "Settings", append: bool) -> "Registry":
    """The models that there are; with --append the models file may still be to be made."""
    from stream_app.models import load_registry

    to_be_made = append and settings.models_file is not None and not settings.models_file.exists()
    return load_registry(None if to_be_made else settings.models_file)


def check(  # noqa: PLR0913, PLR0917 - the commands' own options
    settings: "Settings",
    registry: "Registry",
    model_id: str,
    algorithms: Collection[str],
    files: Collection[Path],
    append: bool,
    force: bool,
) -> None:
    """UsageError, before anything is fitted, where the id is another model's, or files or table could not be written.

    `algorithms` are those that the command fits.
    """
    from stream_app.errors import UsageError
    from stream_app.training import written

    table = registry.tables.get(model_id)
    if table is not None and table.algorithm not in algorithms:
        raise UsageError(f"{model_id} is a {table.kind} model of {table.file} that this does not fit; name another id.")
    if append and settings.models_file is None:
        raise UsageError("--append needs a models file: set models_file (STREAM_APP_MODELS_FILE).")
    if append and table is not None:
        raise UsageError(f"The models file {table.file} has {model_id} already; leave --append out or name another id.")
    written.check_new(files, settings.models_file, force)
    if append and settings.models_file is not None:
        written.check_writable(settings.models_file)


def write(  # noqa: PLR0913, PLR0917 - all that there is to say of what was fitted
    settings: "Settings", model: "Model", contents: Mapping[Path, bytes], told: str, table: str, append: bool
) -> None:
    """Write what was fitted, print its table, and add it to the models file if that is asked.

    UsageError, and nothing is written, where the database knows another model of its id.
    """
    from stream_app.errors import UsageError
    from stream_app.store import models
    from stream_app.training import written

    known = ask_database(settings, lambda connection: models.fingerprint(connection, model.model_id))
    if known not in (None, model.fingerprint):
        raise UsageError(
            f"The database knows {model.model_id} with other weights, and what is stored under an id is of one model: "
            "name another id. Nothing was written."
        )
    write_files(contents, told, table)
    if append and settings.models_file is not None:
        written.append(settings.models_file, table)
        say(f"{settings.models_file} has its table now.")


def write_files(contents: Mapping[Path, bytes], told: str, table: str) -> None:
    """Write the files, say what was done, and print the table."""
    from stream_app.training import written

    written.write_all(contents)
    say(told)
    put(table.rstrip())
