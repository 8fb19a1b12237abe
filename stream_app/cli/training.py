"""`train`: fits a joint space on stored halves, and the projection of a text model on texts."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import datetime as dt
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli import fitted
from stream_app.cli.asking import ask_database
from stream_app.cli.choices import settings_of
from stream_app.cli.chosen_days import FromDay, Regions, ToDay, check_order
from stream_app.cli.dates import iso_date
from stream_app.cli.fitted import Append, Force
from stream_app.cli.model_ids import a_model_id

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.encoding.opening import BareModel
    from stream_app.encoding.spec import Pooling, Precision
    from stream_app.models import Registry
    from stream_app.store.database import Connection
    from stream_app.training.pairs import Pairs
    from stream_app.training.reading import Asked
    from stream_app.training.text_projection import ProjectionFit

FOLDER = Path("docs/joint_spaces")
EPOCHS, SEED, LIMIT = 200, 0, 10_000

commands = typer.Typer()
group = typer.Typer(
    no_args_is_help=True,
    epilog="Example: [bold]stream-app train joint --from 2008-07-01 --to 2014-12-31 --joint-model-id mine-v1[/bold]",
)
commands.add_typer(group, name="train")

Output = Annotated[Path, typer.Option(metavar="FOLDER", help="Where the files go; it is made if it is not there.")]


@group.callback()
def train() -> None:
    """Fit a joint space on stored halves of days, or a text model's projection on texts."""


@group.command(
    epilog="Example: [bold]stream-app train joint --from 2008-07-01 --to 2014-12-31 "
    "--joint-model-id joint-regime-proj-v1[/bold]"
)
def joint(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    first: FromDay,
    last: ToDay,
    joint_model_id: Annotated[str, typer.Option(metavar="ID", help="The new model's id, and its files' name.")],
    region: Regions = None,
    numeric_model_id: Annotated[
        str, typer.Option(parser=a_model_id, metavar="ID", help="Of the regimes.")
    ] = "num-regime-scaled-v1",
    text_model_id: Annotated[
        str, typer.Option(parser=a_model_id, metavar="ID", help="Of the articles.")
    ] = "text-fin-general-v1",
    embargo_days: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=36_600, help="Calendar days between both sides; else the most that a window spans."
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="At most so many.")] = EPOCHS,
    seed: Annotated[int, typer.Option(metavar="N", min=0, max=2**63 - 1, help="Of all that is drawn by lot.")] = SEED,
    output: Output = FOLDER,
    append: Append = False,
    force: Force = False,
) -> None:
    """Train a joint space in which a day's prices and its news lie near each other.

    It is fitted on the stored halves of the older days and measured on the newest quarter. Written are ID.safetensors,
    ID.json with the figures and ID.md, the model card; printed is the table for the models file.

    The same days, options and machine give the same bytes. Ctrl-C leaves nothing behind.
    """
    from stream_app.endpoints import find_database
    from stream_app.regime.windows import lookback_days
    from stream_app.training import written

    check_order(first, last)
    settings = settings_of(ctx)
    registry = fitted.known_models(settings, append)
    files = written.named(output, joint_model_id, ("json", "md", "safetensors"))
    fitted.check(settings, registry, joint_model_id, ["projected"], files.values(), append, force)
    numeric, text = registry.numeric(numeric_model_id), registry.text(text_model_id)
    asked = _asked(settings, region, numeric.model_id, text.model_id, first, last)
    _interruptible()
    embargo = lookback_days(numeric.window_days) if embargo_days is None else embargo_days
    pairs = asyncio.run(_pairs(find_database(settings), asked))
    _train_joint(settings, registry, asked, pairs, joint_model_id, files, (embargo, epochs, seed), append)


@group.command(
    epilog="Example: [bold]stream-app train projection --text-model models/large --texts headlines.txt "
    "--output models[/bold]"
)
def projection(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    text_model: Annotated[str, typer.Option(metavar="MODEL", help="A folder, or a hub id in the local cache.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the files.")] = "text-projection",
    texts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="One text a line, UTF-8; else texts of stored articles.")
    ] = None,
    first: Annotated[
        dt.date | None, typer.Option("--from", parser=iso_date, metavar="DATE", help="Of stored articles, inclusive.")
    ] = None,
    last: Annotated[
        dt.date | None, typer.Option("--to", parser=iso_date, metavar="DATE", help="Of stored articles, inclusive.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="At most so many texts.")] = LIMIT,
    cls: Annotated[bool, typer.Option("--cls", help="The model's vector is its first token's, not the mean.")] = False,
    bfloat16: Annotated[bool, typer.Option("--bfloat16", help="The model is to compute in bfloat16.")] = False,
    output: Output = FOLDER,
    force: Force = False,
) -> None:
    """Fit the projection that a text model of more than 384 numbers needs.

    It keeps the 384 directions that hold the most of what the model says of the texts. Of ten texts one is not fitted
    on but measured. Written are NAME.safetensors and NAME.md; the model's table names the first as its projection.
    """
    from stream_app.encoding.opening import open_bare
    from stream_app.encoding.spec import TextModelSpec
    from stream_app.encoding.transformer import find_device
    from stream_app.training import card, written

    settings = settings_of(ctx)
    files = written.named(output, name, ("md", "safetensors"))
    written.check_new(files.values(), settings.models_file, force)
    pooling: Pooling = "cls" if cls else "mean"
    precision: Precision = "bfloat16" if bfloat16 else "float32"
    _interruptible()
    bare = open_bare(TextModelSpec(text_model, pooling, precision), find_device(settings.text_device))
    found, kept = asyncio.run(_fitted(settings, bare, texts, (first, last), limit)).finish()
    told = card.projection_card(name, bare, found, kept)
    where = written.beside(files["safetensors"], settings.models_file)
    table = card.projection_table(text_model, pooling, bare.precision, where)
    said = f"Wrote {files['safetensors']} and {files['md']}. Name it in the model's table:"
    contents = {files["md"]: told.encode(), files["safetensors"]: found.to_bytes()}
    fitted.write_files(contents, said, table)


def _interruptible() -> None:
    """Ended by a supervisor it leaves as little behind as by Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _asked(  # noqa: PLR0913, PLR0917 - the command's own options
    settings: "Settings", names: list[str] | None, numeric: str, text: str, first: dt.date, last: dt.date
) -> "Asked":
    """UsageError for an unknown region and for a calendar that nobody knows."""
    from stream_app.config import load_regions
    from stream_app.contexts.closing import definition_of
    from stream_app.errors import UsageError
    from stream_app.regime.calendars import load_calendar
    from stream_app.training.reading import Asked, Region

    known = load_regions(settings.regions)
    chosen = list(dict.fromkeys(names or sorted(known)))
    if unknown := [name for name in chosen if name not in known]:
        raise UsageError(f"There is no region {unknown[0]}; there are {', '.join(sorted(known))}.")
    try:
        found = {
            name: Region(definition_of(known[name]), load_calendar(known[name].calendar, settings.calendar_end))
            for name in chosen
        }
    except ValueError as error:
        raise UsageError(str(error)) from None
    return Asked(found, numeric, text, first, last)


async def _pairs(database_url: str, asked: "Asked") -> "Pairs":
    from stream_app.cli.progress import bars
    from stream_app.store import exported, migrate
    from stream_app.training.reading import read_pairs

    await migrate.check(database_url)
    with bars() as told:
        async with exported.snapshot(database_url) as connection:
            return await read_pairs(connection, asked, told)


def _train_joint(  # noqa: PLR0913, PLR0917 - the command's own options
    settings: "Settings",
    registry: "Registry",
    asked: "Asked",
    pairs: "Pairs",
    model_id: str,
    files: dict[str, Path],
    options: tuple[int, int, int],
    append: bool,
) -> None:
    from stream_app.cli.progress import bars
    from stream_app.training import card, joint_space, written
    from stream_app.training.contrastive import Recipe

    embargo_days, epochs, seed = options
    recipe = Recipe(seed=seed, epochs=epochs)
    halves = asked.numeric_model_id, asked.text_model_id
    plan = joint_space.Plan(*halves, embargo_days, recipe, *ask_database(settings, lambda c: _fingerprints(c, halves)))
    with bars() as told:
        told.begin("Epochs", epochs)
        weights, trained = joint_space.train(pairs, plan, lambda number, loss: told.advance(1))
    figures = joint_space.figures(trained)
    told_of = card.card(model_id, trained)
    contents = {files["json"]: figures, files["md"]: told_of.encode(), files["safetensors"]: weights}
    table = card.table(model_id, trained, written.beside(files["safetensors"], settings.models_file))
    model = registry.fitted_anew(model_id, "joint", "projected", weights)
    said = f"Wrote {', '.join(map(str, files.values()))}. {trained.verdict}"
    fitted.write(settings, model, contents, said, table, append)


async def _fingerprints(connection: "Connection", model_ids: Sequence[str]) -> list[str | None]:
    from stream_app.store import models

    return [await models.fingerprint(connection, model_id) for model_id in model_ids]


async def _fitted(
    settings: "Settings",
    bare: "BareModel",
    file: Path | None,
    days: tuple[dt.date | None, dt.date | None],
    limit: int,
) -> "ProjectionFit":
    from stream_app.cli.progress import bars
    from stream_app.training.text_projection import ProjectionFit

    fit = ProjectionFit(bare)
    with bars() as told:
        told.begin("Texts", limit)
        async for texts in _text_pages(settings, file, days, limit):
            await asyncio.to_thread(fit.add, texts)
            told.advance(len(texts))
    return fit


async def _text_pages(
    settings: "Settings", file: Path | None, days: tuple[dt.date | None, dt.date | None], limit: int
) -> AsyncIterator[Sequence[str]]:
    from stream_app.endpoints import find_database
    from stream_app.store import exported, training_texts
    from stream_app.training.text_lines import read_lines

    if file is not None:
        pages = read_lines(file, limit)
        while (lines := await asyncio.to_thread(next, pages, None)) is not None:
            yield lines
        return
    async with exported.snapshot(find_database(settings)) as connection:
        async for texts in training_texts.pages(connection, *days, limit):
            yield texts
