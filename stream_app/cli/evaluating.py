"""`evaluate`: how good models are, by what followed the days that they find alike."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import datetime as dt
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.chosen_days import check_order
from stream_app.cli.dates import iso_date
from stream_app.cli.model_ids import a_model_id
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.evaluation.analogues import Study
    from stream_app.evaluation.stored import Answer, Question

Format = Literal["table", "json", "csv"]

LARGEST_K = 1_000
LARGEST_STEP = 1_000
TABLE_COLUMNS = 160

OPTIONS = "--model-id joint-regime-core-v1 --region US --from 2012-01-01"

commands = typer.Typer()


@commands.command(epilog=f"Example: [bold]stream-app evaluate {OPTIONS}[/bold]")
def evaluate(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    model_id: Annotated[
        list[str],
        typer.Option(parser=a_model_id, metavar="ID", help="Joint or numeric model; repeat it to compare several."),
    ],
    region: Annotated[str, typer.Option(metavar="NAME", help="Whose vectors, by the region's exact name.")],
    instrument: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose volatility; else the region's only instrument.")
    ] = None,
    first: Annotated[
        dt.date | None, typer.Option("--from", parser=iso_date, metavar="DATE", help="First tested day, inclusive.")
    ] = None,
    last: Annotated[
        dt.date | None, typer.Option("--to", parser=iso_date, metavar="DATE", help="Last tested day, inclusive.")
    ] = None,
    after_fit: Annotated[
        bool,
        typer.Option("--after-fit", help="Test only days after those fitted on and the 21 sessions that follow them."),
    ] = False,
    history_from: Annotated[
        dt.date | None,
        typer.Option(parser=iso_date, metavar="DATE", help="No earlier day is a neighbour, or tested."),
    ] = None,
    k: Annotated[
        list[int] | None,
        typer.Option("--k", metavar="N", min=1, max=LARGEST_K, help="Neighbours; repeat it. Else 10 and 50."),
    ] = None,
    every: Annotated[
        int, typer.Option(metavar="N", min=1, max=LARGEST_STEP, help="Test each day, or every so many.")
    ] = 3,
    form: Annotated[Format, typer.Option("--format", help="How to print the table.")] = "table",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write it into a file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Print how well models foretell the next 21 sessions' volatility.

    For each tested day the k most alike earlier days are taken, by the cosine of their vectors and at least 30 sessions
    back. The forecast is the mean log volatility that followed them, the figure is Spearman's correlation with what
    came, with a 95 % interval (circular block bootstrap, blocks of half a year). Trailing volatility and random days
    stand beside it.

    p is the share of shifts of the market against the vectors with which the forecast does as well: above 0.05 it may
    be chance. Volatility and vectors change slowly, so vectors that know nothing may look better than random days.

    A model is in sample on each tested day that does not lie over 21 sessions after the days it was fitted on: the
    table says on how many. What a text model read when it was trained is not known here.

    Models are tested on the days that all of them have, with the vectors and prices as they are known now. Stability is
    the mean cosine to the day before; the text share is that of what tells a joint space's days apart and is not in
    their numeric halves; an overlap is the share of neighbours that two models have in common.
    """
    from stream_app.endpoints import find_database
    from stream_app.evaluation import stored, told
    from stream_app.export import destination
    from stream_app.models import load_registry
    from stream_app.training.fitted_days import FitsOf

    check_order(first, last)
    if output is not None:
        destination.check(output, force)
    settings = settings_of(ctx)
    fits = FitsOf(load_registry(settings.models_file))
    study = _study((first, last, history_from), k, every)
    chosen = instrument or _only_instrument(settings, region)
    question = stored.Question(tuple(dict.fromkeys(model_id)), region, chosen, study, after_fit)
    found = stored.answer(asyncio.run(stored.read(find_database(settings), question)), question, fits)
    text = _text(found, question, form)
    if output is not None:
        with destination.whole_file(output) as file:
            file.write(f"{text}\n".encode())
    put(text)
    tested = found.evaluation
    say(f"Tested {tested.days:,} days of {question.instrument} from {tested.first} to {tested.last}.")
    if form != "table":
        for note in told.notes(found):
            say(note)


def _study(bounds: tuple[dt.date | None, dt.date | None, dt.date | None], k: list[int] | None, every: int) -> "Study":
    import numpy as np

    from stream_app.evaluation.analogues import Study

    first, last, history_first = (None if day is None else np.datetime64(day, "D") for day in bounds)
    return Study(tuple(sorted(set(k or (10, 50)))), first, last, every, history_first)


def _only_instrument(settings: "Settings", region: str) -> str:
    """The region's instrument. Raises UsageError where it has several, or is not in the regions file."""
    from stream_app.config import load_regions
    from stream_app.errors import UsageError

    known = load_regions(settings.regions)
    if region not in known:
        raise UsageError(f"There is no region {region} in the regions file: name the instrument with --instrument.")
    instruments = known[region].instruments
    if len(instruments) > 1:
        raise UsageError(f"Region {region} has several instruments: choose {' or '.join(instruments)} by --instrument.")
    return instruments[0]


def _text(found: "Answer", question: "Question", form: Format) -> str:
    from stream_app.evaluation import told

    match form:
        case "json":
            return told.as_json(found, question)
        case "csv":
            return told.as_csv(found)
        case "table":
            return _table(found)


def _table(found: "Answer") -> str:
    from rich.console import Console
    from rich.table import Table

    from stream_app.evaluation import told

    header, rows = told.as_cells(found)
    table = Table(header[0], box=None, pad_edge=False)
    for name in header[1:]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    written = io.StringIO()
    Console(file=written, width=TABLE_COLUMNS, highlight=False, markup=False).print(table)
    return "\n\n".join([written.getvalue().rstrip("\n"), *told.notes(found)])
