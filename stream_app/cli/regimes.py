"""`regimes fit`, `regimes list`, `regimes show`: labels of days, fitted on stored numeric vectors."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stream_app.cli import fitted, model_rows
from stream_app.cli.asking import ask_database
from stream_app.cli.choices import settings_of
from stream_app.cli.chosen_days import End, Limit, Regions, Start, check_order
from stream_app.cli.dates import iso_date
from stream_app.cli.fitted import Append, Force
from stream_app.cli.model_ids import a_model_id
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.labelling.fit import Days, Fitted, NamedWindow
    from stream_app.models import Registry

DAYS = ("as_of_date", "region", "model_id", "regimes_model_id", "regime_label", "confidence")
TRANSITIONS = ("as_of_date", "region", "model_id", "from_label", "to_label", "confidence")
FIT = (
    "--region US --model-id regimes-us-v1 --label CRISIS --from 2008-09-15 --to 2009-03-31 "
    "--label CALM --from 2005-01-03 --to 2006-12-29"
)
SHOW = "--region US --start 2008-09-01 --end 2008-12-31"

commands = typer.Typer()
regimes = typer.Typer(help="Fit and show labels of days.")
commands.add_typer(
    regimes, name="regimes", no_args_is_help=True, epilog=f"Example: [bold]stream-app regimes fit {FIT}[/bold]"
)


@regimes.command(epilog=f"Example: [bold]stream-app regimes fit {FIT}[/bold]")
def fit(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    region: Annotated[str, typer.Option(metavar="NAME", help="Whose stored numeric vectors are fitted on.")],
    model_id: Annotated[str, typer.Option(parser=a_model_id, metavar="ID", help="What the fitted regimes are called.")],
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A label, with --from and --to after it; repeat all three."),
    ] = None,
    first: Annotated[
        list[dt.date] | None, typer.Option("--from", parser=iso_date, metavar="DATE", help="Its first day.")
    ] = None,
    last: Annotated[
        list[dt.date] | None, typer.Option("--to", parser=iso_date, metavar="DATE", help="Its last day, inclusive.")
    ] = None,
    unsupervised: Annotated[
        Literal["k-means", "mixture"] | None, typer.Option(help="Find regimes instead, ranked by volatility.")
    ] = None,
    components: Annotated[int, typer.Option(metavar="N", min=2, max=5, help="How many to find.")] = 3,
    distance: Annotated[Literal["cosine", "euclidean"], typer.Option(help="To the labels' prototypes.")] = "cosine",
    seed: Annotated[int, typer.Option(metavar="N", min=0, max=2**32 - 1, help="Of what is random in the search.")] = 0,
    since: Annotated[
        dt.date | None, typer.Option(parser=iso_date, metavar="DATE", help="Fit on no day before it.")
    ] = None,
    until: Annotated[
        dt.date | None, typer.Option(parser=iso_date, metavar="DATE", help="Fit on no day after it.")
    ] = None,
    numeric_model_id: Annotated[
        str, typer.Option(parser=a_model_id, metavar="ID", help="Of the vectors.")
    ] = "num-regime-scaled-v1",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Else ID.json here.")] = None,
    append: Append = False,
    force: Force = False,
) -> None:
    """Fit labels of days and write them to a file.

    Either from named windows, each a prototype, or --unsupervised. A card (.md) is written beside the file.

    Standard output is the table of your models file (models_file), to which --append adds it; workers label days from
    their next start on.
    """
    from stream_app.labelling import card, file
    from stream_app.labelling.job import LabellerJob
    from stream_app.labelling.job import fitted as fit_job
    from stream_app.models.algorithms import REGIMES
    from stream_app.training import written

    check_order(since, until, ("--since", "--until"))
    settings = settings_of(ctx)
    registry = fitted.known_models(settings, append)
    numeric = registry.numeric(numeric_model_id)
    path, beside = _files(model_id, output)
    fitted.check(settings, registry, model_id, REGIMES, (path, beside), append, force)
    if append:
        _check_days_are_free(registry, model_id, numeric.model_id, region)
    windows = _windows(label or [], first or [], last or [])
    how = _how(windows, unsupervised, components, distance, seed)
    job = LabellerJob(region, numeric.model_id, since or dt.date.min, until or dt.date.max, how)
    days, found = ask_database(settings, lambda connection: fit_job(connection, job))
    said = card.words(windows, distance) if windows else f"{unsupervised}, {components} components, seed {seed}"
    named = card.Named(model_id, numeric.model_id, region, said)
    weights = file.encoded(file.file_of(*found, numeric.model_id, numeric.fingerprint))
    contents = {beside: card.card(named, days, found).encode(), path: weights}
    told = f"Fitted on {len(days.days)} days and written to {path} and {beside}."
    table = card.table(named, found, written.beside(path, settings.models_file))
    model = registry.fitted_anew(model_id, "regimes", card.algorithm(found), weights)
    fitted.write(settings, model, contents, told, table, append)


@regimes.command("list", epilog="Example: [bold]stream-app regimes list[/bold]")
def list_(ctx: typer.Context) -> None:
    """Print which regimes are fitted, by the models files, and which of them workers use."""
    from stream_app.models import load_registry

    settings = settings_of(ctx)
    registry = load_registry(settings.models_file)
    used = model_rows.in_use(registry, settings)
    found = [registry.regimes(model_id) for model_id in registry.of_kind("regimes")]
    header = ("model_id", "numeric_model_id", "regions", "labels", "in_use")
    rows = [
        (
            m.model_id,
            m.numeric.model_id,
            " ".join(m.regions) or "all",
            " ".join(m.labels),
            model_rows.whether_in_use(m.model_id, used),
        )
        for m in found
    ]
    put(_as_csv(header, rows))
    if not found:
        say("No regimes are fitted: every day is NEUTRAL with confidence 1.0.")


@regimes.command(epilog=f"Example: [bold]stream-app regimes show {SHOW}[/bold]")
def show(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    region: Regions = None,
    start: Start = None,
    end: End = None,
    model_id: Annotated[
        list[str] | None,
        typer.Option(
            parser=a_model_id,
            metavar="ID",
            help="Model of the column; repeat for several. Else those whose days workers label.",
        ),
    ] = None,
    transitions: Annotated[bool, typer.Option("--transitions", help="Only the days that change a label.")] = False,
    limit: Limit = 200,
) -> None:
    """Print the label and confidence of each day, newest last, as CSV.

    The model is the numeric one whose vectors are labelled, beside it the fitted regimes that gave the label, if any
    did. Of a transition it is the fitted regimes. Without fitted regimes the days of every numeric model are shown.
    """
    from stream_app.store import labelled
    from stream_app.store.labelled import Labelled

    check_order(start, end, ("--start", "--end"))
    settings = settings_of(ctx)
    models = model_id or (None if transitions else _labelled_models(settings))
    asked = Labelled(region or None, start, end, models, limit)
    read = labelled.transitions if transitions else labelled.days
    rows = ask_database(settings, lambda connection: read(connection, asked))
    header = TRANSITIONS if transitions else DAYS
    put(_as_csv(header, [(*row[:-1], f"{row[-1]:.6f}") for row in rows]))
    if not rows:
        say("No day changes a label there." if transitions else "No labelled days were found there.")


def _labelled_models(settings: "Settings") -> list[str] | None:
    """The numeric models whose days workers label; None where they label none."""
    from stream_app.models import models_in_use

    return list(dict.fromkeys(model.numeric.model_id for model in models_in_use(settings).regimes)) or None


def _files(model_id: str, output: Path | None) -> tuple[Path, Path]:
    """The labeller's file and its card's. UsageError where both would be one, or the id is no name of a file."""
    from stream_app.errors import UsageError
    from stream_app.training import written

    path = output or written.named(Path(), model_id, ["json"])["json"]
    beside = path.with_suffix(".md")
    if beside == path:
        raise UsageError(f"{path} would be the card's name too: name a file that does not end in .md.")
    return path, beside


def _check_days_are_free(registry: "Registry", model_id: str, numeric_model_id: str, region: str) -> None:
    """UsageError where others label the same days: with both in the models file no worker would start."""
    from stream_app.errors import UsageError

    for other in map(registry.regimes, registry.of_kind("regimes")):
        if other.model_id != model_id and other.numeric.model_id == numeric_model_id and other.labels_days_of(region):
            raise UsageError(
                f"{other.model_id} labels the days of {region} in {numeric_model_id} already: leave --append out, and "
                "put the printed table in its place."
            )


def _windows(labels: Sequence[str], firsts: Sequence[dt.date], lasts: Sequence[dt.date]) -> "list[NamedWindow]":
    from stream_app.errors import UsageError
    from stream_app.labelling.file import LABEL
    from stream_app.labelling.fit import NamedWindow

    if misspelt := [label for label in labels if not re.fullmatch(LABEL, label)]:
        raise UsageError(
            f"{misspelt[0]!r} is no label, which has up to 32 capital letters, digits, _ and -, a letter first."
        )
    if not len(labels) == len(firsts) == len(lasts):
        raise UsageError("Each --label needs a --from and a --to of its own, in the same order.")
    windows = [NamedWindow(*each) for each in zip(labels, firsts, lasts, strict=True)]
    for window in windows:
        if window.first > window.last:
            raise UsageError(f"The window of {window} ends before it starts.")
    return windows


def _how(
    windows: "Sequence[NamedWindow]",
    method: Literal["k-means", "mixture"] | None,
    components: int,
    distance: Literal["cosine", "euclidean"],
    seed: int,
) -> "Callable[[Days], Fitted]":
    from functools import partial

    from stream_app.errors import UsageError
    from stream_app.labelling.fit import fit_prototypes, fit_unnamed

    if windows and method is None:
        return partial(fit_prototypes, windows=windows, distance=distance)
    if windows or method is None:
        raise UsageError("Give either labels (--label NAME --from DATE --to DATE, repeated) or --unsupervised.")
    return partial(fit_unnamed, method=method, components=components, seed=seed)


def _as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(header)
    lines.writerows(rows)
    return written.getvalue().removesuffix("\n")
