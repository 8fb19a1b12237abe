"""`models list`, `models show`, `models check` and `models fit`: which models there are, and whether they may run."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli import fitted, model_rows
from stream_app.cli.asking import ask_database
from stream_app.cli.choices import settings_of
from stream_app.cli.chosen_days import FromDay, ToDay, check_order
from stream_app.cli.fitted import Append, Force
from stream_app.cli.model_ids import a_model_id
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.models import Registry
    from stream_app.store.database import Connection
    from stream_app.store.models import Model

WRONG = 1
FIT = "--joint-model-id my-joint --region US --from 2008-06-08 --to 2011-12-31 --output my-joint.json"

commands = typer.Typer()
models = typer.Typer(help="List, check and fit the models.")
commands.add_typer(models, name="models", no_args_is_help=True, epilog="Example: [bold]stream-app models list[/bold]")


@models.command("list", epilog="Example: [bold]stream-app models list[/bold]")
def list_models(ctx: typer.Context) -> None:
    """List the models of the packaged file, of models_file and of the database.

    In use are those that workers compute. Registered are those that the database knows; `another` is told where it has
    another model under the id. Of a text model, which is not loaded for this, only the id is compared.
    """
    from stream_app.errors import StreamAppError
    from stream_app.models import load_registry

    settings = settings_of(ctx)
    registry = load_registry(settings.models_file)
    in_use = model_rows.in_use(registry, settings)
    registered: dict[str, Model] | None = None
    try:
        registered = ask_database(settings, _registered)
    except StreamAppError as error:
        say(f"Which are registered is not known: {error}")
    model_rows.put_table(model_rows.LISTED, model_rows.listed(registry, in_use, registered))


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

    Exit code 1, and a sentence each, where one cannot be loaded, or the database's vectors were made with another model
    of the same id.
    """
    from stream_app.errors import StreamAppError
    from stream_app.models import load_registry
    from stream_app.models.in_use import chosen

    settings = settings_of(ctx)
    registry = load_registry(settings.models_file)
    registered = ask_database(settings, _registered)
    rows, wrong = _checked(registry, settings, registered)
    try:
        chosen(registry, settings)
    except StreamAppError as error:
        wrong.append(str(error))
    model_rows.put_table(model_rows.CHECKED, rows)
    put(model_rows.summary(registry, rows, registered))
    for sentence in dict.fromkeys(wrong):
        say(sentence)
    if wrong:
        raise typer.Exit(WRONG)


@models.command(epilog=f"Example: [bold]stream-app models fit {FIT}[/bold]")
def fit(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    joint_model_id: Annotated[str, typer.Option(parser=a_model_id, metavar="ID", help="Of the model to be made.")],
    region: Annotated[list[str], typer.Option(metavar="NAME", help="Exact name; repeat for several.")],
    first: FromDay,
    last: ToDay,
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where the weights go.")],
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
    append: Append = False,
    force: Force = False,
) -> None:
    """Fit the means and scales of a scaled joint model on stored regimes and text vectors.

    The same database gives the same bytes. Prints the table for the models file. Days are those of UTC.
    """
    from stream_app.backfill.fitting import ScalingJob, fit_scaling
    from stream_app.models.scalings import encoded
    from stream_app.store.article_texts import Selection
    from stream_app.store.regimes import Wanted
    from stream_app.training import written

    check_order(first, last)
    settings = settings_of(ctx)
    registry = fitted.known_models(settings, append)
    fitted.check(settings, registry, joint_model_id, ["scaled"], [output], append, force)
    registry.numeric(numeric_model_id)
    registry.text(text_model_id)
    wanted = Wanted(list(dict.fromkeys(region)), numeric_model_id, instrument_id)
    job = ScalingJob(wanted, Selection(first, last, language, text_model_id))
    found = ask_database(settings, lambda connection: fit_scaling(connection, job))
    days = found.fitted
    said = f"Fitted on {days.days:,} days from {days.first} to {days.last} and written to {output}."
    table = written.table(
        joint_model_id,
        kind="joint",
        algorithm="scaled",
        inputs=[numeric_model_id, text_model_id],
        weights=written.beside(output, settings.models_file).as_posix(),
    )
    weights = encoded(found)
    model = registry.fitted_anew(joint_model_id, "joint", "scaled", weights)
    fitted.write(settings, model, {output: weights}, said, table, append)


def _checked(
    registry: "Registry", settings: "Settings", registered: "dict[str, Model]"
) -> tuple[list[Sequence[str]], list[str]]:
    """A row for every model, and a sentence for each that is not as it should be."""
    from stream_app.errors import StreamAppError
    from stream_app.store.models import changed

    rows: list[Sequence[str]] = []
    wrong = []
    loaded: dict[str, Model] = {}
    for model_id, table in registry.tables.items():
        try:
            model = registry.registered(model_id) or asyncio.run(_loaded(registry, settings, model_id))
        except StreamAppError as error:
            rows.append((model_id, table.kind, model_rows.NO, model_rows.NOT_KNOWN))
            wrong.append(str(error))
            continue
        loaded[model_id] = model
        state = model_rows.state(model, registered)
        rows.append((model_id, table.kind, model_rows.YES, state))
        if state == model_rows.ANOTHER:
            wrong.append(changed(model.kind, model_id))
    joint = [registry.joint(model_id) for model_id in registry.of_kind("joint") if model_id in loaded]
    refused = [
        model.refusal(loaded[model.text.model_id].fingerprint) for model in joint if model.text.model_id in loaded
    ]
    return rows, wrong + list(filter(None, refused))


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
