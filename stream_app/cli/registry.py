"""`models list`, `models show`, `models check` and `models fit`: which models there are, and whether they may run."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.asking import ask_database
from stream_app.cli.choices import settings_of
from stream_app.cli.dates import iso_date
from stream_app.cli.model_ids import a_model_id
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.models import Registry
    from stream_app.models.tables import ModelTable
    from stream_app.store.database import Connection
    from stream_app.store.models import Model

DIFFERS = 1
COLUMNS = ("model", "kind", "algorithm", "dim", "inputs", "in use", "registered")
NOT_ASKED = "?"
FIT = "--joint-model-id my-joint --region US --from 2008-06-08 --to 2011-12-31 --output my-joint.json"

commands = typer.Typer()
models = typer.Typer(help="List, check and fit the models.")
commands.add_typer(models, name="models", no_args_is_help=True, epilog="Example: [bold]stream-app models list[/bold]")


@models.command("list", epilog="Example: [bold]stream-app models list[/bold]")
def list_models(ctx: typer.Context) -> None:
    """List the models of the packaged file and of models_file, in use or not, and whether the database has them."""
    from stream_app.errors import StreamAppError
    from stream_app.models import load_registry
    from stream_app.models.in_use import chosen

    settings = settings_of(ctx)
    registry = load_registry(settings.models_file)
    used = chosen(registry, settings)
    in_use = {used.text.model_id, *(model.model_id for model in used.registered)}
    registered: dict[str, Model] | None = None
    try:
        registered = ask_database(settings, _registered)
    except StreamAppError as error:
        say(f"Which are registered is not known: {error}")
    rows = [_row(table, in_use, registered) for table in registry.tables.values()]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        put("  ".join(field.ljust(width) for field, width in zip(row, widths, strict=True)).rstrip())


@models.command(epilog="Example: [bold]stream-app models show joint-regime-core-v1[/bold]")
def show(
    ctx: typer.Context,
    model_id: Annotated[str, typer.Argument(metavar="ID", parser=a_model_id, help="A model of the list.")],
) -> None:
    """Print a model's parameters, inputs, weights and fingerprint, and the file that it is from."""
    from schemas import DIM
    from stream_app.errors import UsageError
    from stream_app.models import load_registry

    settings = settings_of(ctx)
    registry = load_registry(settings.models_file)
    if model_id not in registry:
        raise UsageError(f"There is no model {model_id}; there are {', '.join(registry.tables)}.")
    table = registry.tables[model_id]
    model = registry.registered(model_id) or asyncio.run(_loaded(registry, settings, model_id))
    given = {
        "model": model_id,
        "kind": table.kind,
        "algorithm": table.algorithm,
        "dim": DIM,
        **table.parameters.model_dump(exclude_none=True),
        "inputs": " ".join(table.inputs),
        "weights": table.weights or "",
        "fingerprint": model.fingerprint,
        "file": table.file,
    }
    for name, value in given.items():
        if value != "":
            put(f"{name} = {value}")


@models.command(epilog="Example: [bold]stream-app models check[/bold]")
def check(ctx: typer.Context) -> None:
    """Load every model, in use or not, and compare it with the database.

    Exit code 1, and a sentence each, where the database's vectors were made with another model of the same id.
    """
    from stream_app.models import load_registry
    from stream_app.models.in_use import chosen
    from stream_app.store.models import changed

    settings = settings_of(ctx)
    registry = load_registry(settings.models_file)
    chosen(registry, settings)
    known = asyncio.run(_all_loaded(registry, settings))
    stood = ask_database(settings, _registered)
    differing = [model for model in known if stood.get(model.model_id, model) != model]
    for model in differing:
        say(changed(model.kind, model.model_id))
    put(f"{len(known)} models are loaded, {sum(model.model_id in stood for model in known)} of them registered.")
    if differing:
        raise typer.Exit(DIFFERS)


@models.command(epilog=f"Example: [bold]stream-app models fit {FIT}[/bold]")
def fit(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    joint_model_id: Annotated[str, typer.Option(parser=a_model_id, metavar="ID", help="Of the model to be made.")],
    region: Annotated[list[str], typer.Option(metavar="NAME", help="Exact name; repeat for several.")],
    first: Annotated[dt.date, typer.Option("--from", parser=iso_date, metavar="DATE", help="First day, inclusive.")],
    last: Annotated[dt.date, typer.Option("--to", parser=iso_date, metavar="DATE", help="Last day, inclusive.")],
    output: Annotated[Path, typer.Option(metavar="FILE", help="The weights; replaced if it is there.")],
    numeric_model_id: Annotated[
        str, typer.Option(parser=a_model_id, metavar="ID", help="Of the regimes.")
    ] = "num-regime-scaled-v1",
    text_model_id: Annotated[
        str, typer.Option(parser=a_model_id, metavar="ID", help="Of the articles.")
    ] = "text-fin-general-v1",
    instrument_id: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Of the regimes, where a day has several; repeatable.")
    ] = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="Of the articles, in any case.")] = None,
) -> None:
    """Fit the means and scales of a scaled joint model on stored regimes and text vectors.

    The same database gives the same bytes. Prints the table for the models file. Days are those of UTC.
    """
    from stream_app.backfill.fitting import FitJob, fit_scaling
    from stream_app.errors import UsageError
    from stream_app.models.scalings import encoded
    from stream_app.store.article_texts import Selection
    from stream_app.store.regimes import Wanted

    if first > last:
        raise UsageError(f"--from {first} is after --to {last}.")
    wanted = Wanted(list(dict.fromkeys(region)), numeric_model_id, instrument_id)
    job = FitJob(wanted, Selection(first, last, language, text_model_id))
    found = ask_database(settings_of(ctx), lambda connection: fit_scaling(connection, job))
    try:
        output.write_bytes(encoded(found))
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.") from None
    say(f"Fitted on {found.fitted.days:,} days from {found.fitted.first} to {found.fitted.last}. For the models file:")
    put(f'[models."{joint_model_id}"]\nkind = "joint"\nalgorithm = "scaled"')
    put(f'inputs = ["{numeric_model_id}", "{text_model_id}"]\nweights = "{output.resolve()}"')


def _row(table: "ModelTable", in_use: set[str], registered: "dict[str, Model] | None") -> Sequence[str]:
    from schemas import DIM

    known = NOT_ASKED if registered is None else "yes" if table.model_id in registered else "no"
    used = "yes" if table.model_id in in_use else "no"
    return table.model_id, table.kind, table.algorithm, str(DIM), " ".join(table.inputs) or "-", used, known


async def _all_loaded(registry: "Registry", settings: "Settings") -> "list[Model]":
    return [
        registry.registered(model_id) or await _loaded(registry, settings, model_id) for model_id in registry.tables
    ]


async def _loaded(registry: "Registry", settings: "Settings", model_id: str) -> "Model":
    """A text model, loaded. Raises Fatal and ModelHung as the encoder does."""
    from stream_app.encoding import load_encoder

    model = registry.text(model_id)
    encoder = await load_encoder(
        model.spec, settings.encode_token_budget, settings.encode_deadline_seconds, settings.text_device
    )
    encoder.close()
    return model.registered(encoder.fingerprint)


async def _registered(connection: "Connection") -> "dict[str, Model]":
    from stream_app.store import models

    return await models.all_of(connection)
