"""`show`: joint regime contexts as CSV, a table or JSON."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import csv
import datetime as dt
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.chosen_days import End, Limit, Regions, Start, check_order
from stream_app.cli.known_at import KNOWN_AT, of_instant, tell_left_out
from stream_app.cli.model_ids import a_model_id
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.store.chosen import LeftOut
    from stream_app.store.shown import ContextQuery, ShownContext

Format = Literal["csv", "table", "json"]

HEADER = ("as_of_date", "region", "episode_id", "model_id", "dim", "l2_norm")
OPTIONS = "--region US --start 2008-09-01 --end 2008-12-31"

EXAMPLE = f"Example: [bold]stream-app show {OPTIONS} > contexts.csv[/bold]"

commands = typer.Typer()


@commands.command("show-joint-regime-context", hidden=True, epilog=EXAMPLE)
@commands.command(epilog=EXAMPLE)
def show(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    region: Regions = None,
    start: Start = None,
    end: End = None,
    model_id: Annotated[
        str | None, typer.Option(parser=a_model_id, metavar="ID", help="Joint model; else the configured one.")
    ] = None,
    known_at: Annotated[dt.datetime | None, KNOWN_AT] = None,
    limit: Limit = 200,
    form: Annotated[Format, typer.Option("--format", help="How to print them.")] = "csv",
) -> None:
    """Print joint regime contexts, newest last.

    Only they go to standard output, so it can be redirected into a file.

    With --known-at no later news, price or correction is in the answer. A day that a seed command filled in is left
    out of it: when it was known is not recorded. A model that was added later counts from a day's close.
    """
    from stream_app.clock import SystemClock
    from stream_app.endpoints import find_database
    from stream_app.store.shown import ContextQuery

    check_order(start, end, ("--start", "--end"))
    settings = settings_of(ctx)
    query = ContextQuery(model_id or settings.joint_models[0], region or None, start, end, known_at, limit)
    found, left_out = asyncio.run(_contexts(find_database(settings), query))
    _print(found, form)
    if not found:
        say(f"No contexts of model {query.model_id} were found{_bounds(query)}{of_instant(known_at, left_out)}.")
    tell_left_out(query, left_out, SystemClock())


def as_csv(contexts: Sequence["ShownContext"]) -> str:
    """The header and a line a context, without the last line's end; an absent episode_id is empty."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(HEADER)
    rows.writerows(map(_fields, contexts))
    return written.getvalue().removesuffix("\n")


def as_json(contexts: Sequence["ShownContext"]) -> str:
    """An array with an object a line; the fields are the CSV's, l2_norm is a number and an absent episode_id null."""
    import json

    objects = [dict(zip(HEADER, _fields(each), strict=True)) for each in contexts]
    lines = [json.dumps(o | {"as_of_date": str(o["as_of_date"]), "l2_norm": float(str(o["l2_norm"]))}) for o in objects]
    return "[" + ",\n ".join(lines) + "]"


def _fields(context: "ShownContext") -> tuple[object, ...]:
    """The fields of the header; the norm with six decimals."""
    norm = f"{context.l2_norm:.6f}"
    return context.as_of_date, context.region, context.episode_id, context.model_id, len(context.vector), norm


def _print(contexts: Sequence["ShownContext"], form: Format) -> None:
    match form:
        case "csv":
            put(as_csv(contexts))
        case "json":
            put(as_json(contexts))
        case "table":
            _print_table(contexts)


def _print_table(contexts: Sequence["ShownContext"]) -> None:
    import sys

    from rich.table import Table

    from stream_app.cli.output import reader_may_leave
    from stream_app.ingest.display import console

    table = Table(*HEADER, box=None, pad_edge=False)
    for numbers in table.columns[-2:]:
        numbers.justify = "right"
    for each in contexts:
        table.add_row(*("" if field is None else str(field) for field in _fields(each)))
    with reader_may_leave(sys.stdout):
        console().print(table)


async def _contexts(database_url: str, query: "ContextQuery") -> tuple[list["ShownContext"], "LeftOut | None"]:
    from stream_app.store import chosen, shown
    from stream_app.store.database import connect, errors_told_apart

    async with errors_told_apart():
        connection = await connect(database_url)
        try:
            return await shown.contexts(connection, query), await chosen.left_out(connection, query)
        finally:
            await connection.close()


def _bounds(query: "ContextQuery") -> str:
    regions = f" for {', '.join(query.regions)}" if query.regions else ""
    start = f" from {query.first}" if query.first else ""
    return regions + start + (f" to {query.last}" if query.last else "")
