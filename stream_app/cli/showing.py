"""`show`: joint regime contexts as CSV."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import csv
import datetime as dt
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.dates import iso_date
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.store.shown import ContextQuery, ShownContext

HEADER = ("as_of_date", "region", "episode_id", "model_id", "dim", "l2_norm")
LARGEST_LIMIT = 1_000_000
OPTIONS = "--region US --start 2008-09-01 --end 2008-12-31"

commands = typer.Typer()


@commands.command(epilog=f"Example: [bold]stream-app show {OPTIONS} > contexts.csv[/bold]")
def show(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    region: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Exact name; repeat for several, none for all.")
    ] = None,
    start: Annotated[
        dt.date | None, typer.Option(parser=iso_date, metavar="DATE", help="First day, inclusive.")
    ] = None,
    end: Annotated[dt.date | None, typer.Option(parser=iso_date, metavar="DATE", help="Last day, inclusive.")] = None,
    model_id: Annotated[str | None, typer.Option(metavar="ID", help="Joint model; else the configured one.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=LARGEST_LIMIT, help="The newest so many.")] = 200,
) -> None:
    """Print joint regime contexts as CSV, newest last.

    Only the CSV goes to standard output, so it can be redirected into a file.
    """
    from stream_app.endpoints import find_database
    from stream_app.errors import UsageError
    from stream_app.store.shown import ContextQuery

    if start is not None and end is not None and start > end:
        raise UsageError(f"--start {start} is after --end {end}.")
    settings = settings_of(ctx)
    query = ContextQuery(model_id or settings.joint_model_id, region or None, start, end, limit)
    found = asyncio.run(_contexts(find_database(settings), query))
    put(as_csv(found))
    if not found:
        say(f"No contexts of model {query.model_id} were found{_bounds(query)}.")


def as_csv(contexts: Sequence["ShownContext"]) -> str:
    """The header and a line a context, without the last line's end; an absent episode_id is empty."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(HEADER)
    for each in contexts:
        norm = f"{each.l2_norm:.6f}"
        rows.writerow((each.as_of_date, each.region, each.episode_id, each.model_id, len(each.vector), norm))
    return written.getvalue().removesuffix("\n")


async def _contexts(database_url: str, query: "ContextQuery") -> list["ShownContext"]:
    from stream_app.store import shown
    from stream_app.store.database import connect, errors_told_apart

    async with errors_told_apart():
        connection = await connect(database_url)
        try:
            return await shown.contexts(connection, query)
        finally:
            await connection.close()


def _bounds(query: "ContextQuery") -> str:
    regions = f" for {', '.join(query.regions)}" if query.regions else ""
    start = f" from {query.start}" if query.start else ""
    return regions + start + (f" to {query.end}" if query.end else "")
