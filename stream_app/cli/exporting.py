"""`export`: contexts in a file for research."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import datetime as dt
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.chosen_days import From, Regions, To, check_order
from stream_app.cli.known_at import KNOWN_AT, of_instant, tell_left_out
from stream_app.cli.model_ids import a_model_id
from stream_app.cli.output import reader_may_leave, say
from stream_app.export.formats import Format

if TYPE_CHECKING:
    from stream_app.store.chosen import LeftOut
    from stream_app.store.exported import DayCount, ExportQuery

STANDARD_OUTPUT = Path("-")
NAME = "contexts"
"""Of the file, where none is given; its format is the suffix."""

commands = typer.Typer()


@commands.command(
    epilog="Example: [bold]stream-app export --region US --from 2008-01-01 --format npz --output us.npz[/bold]"
)
def export(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    form: Annotated[Format, typer.Option("--format", help="What to write.")],
    region: Regions = None,
    first: From = None,
    last: To = None,
    model_id: Annotated[
        str | None, typer.Option(parser=a_model_id, metavar="ID", help="Joint model; else the configured one.")
    ] = None,
    known_at: Annotated[dt.datetime | None, KNOWN_AT] = None,
    absent: Annotated[bool, typer.Option("--absent", help="Also the days that have no vector.")] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Else contexts.FORMAT here; - is standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write joint regime contexts into a file for research.

    One row a region a day, its newest revision, by region and date, with the vector's float32 to the bit. The same
    database gives the same bytes.

    In parquet the vector is a list of 384 numbers, and the models' fingerprints are in the file's metadata. npz has
    the array vectors (n, 384) and an array a column, for np.load. In csv the vector is the columns v000 to v383.

    With --known-at a day's revision is the newest that was known then, and what came later is not in the file: the same
    bytes whenever it is asked for. Days that a seed command filled in are left out, as when they were known is not
    recorded; a day that closed later is not there. A model that was added later counts from a day's close.
    """
    from stream_app.clock import SystemClock
    from stream_app.endpoints import find_database
    from stream_app.store.exported import ExportQuery

    check_order(first, last)
    settings = settings_of(ctx)
    path = output or Path(f"{NAME}.{form}")
    query = ExportQuery(model_id or settings.joint_models[0], region or None, first, last, known_at, absent)
    # Ended by a supervisor it leaves as little behind as by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _opened(path, form, force) as file:
        found, left_out = asyncio.run(_exported(find_database(settings), query, form, file, path))
    _tell(found, left_out, query, path)
    tell_left_out(query, left_out, SystemClock())


@contextmanager
def _opened(path: Path, form: Format, force: bool) -> Iterator[BinaryIO]:
    """The file, or standard output. Raises UsageError where neither takes an export."""
    from stream_app.errors import UsageError
    from stream_app.export import destination

    if path != STANDARD_OUTPUT:
        destination.check(path, force)
        with destination.whole_file(path) as file:
            yield file
        return
    if form != "csv" and sys.stdout.isatty():
        raise UsageError(f"A terminal cannot show {form}; redirect it, or name a file with --output.")
    with reader_may_leave(sys.stdout):
        yield sys.stdout.buffer


async def _exported(
    database_url: str, query: "ExportQuery", form: Format, file: BinaryIO, path: Path
) -> tuple["DayCount", "LeftOut | None"]:
    from stream_app.cli.progress import bars
    from stream_app.export.run import write_days
    from stream_app.export.writer import open_writer
    from stream_app.store import chosen, exported
    from stream_app.store.database import errors_told_apart

    folder = None if path == STANDARD_OUTPUT else path.parent
    with bars() as shown:
        async with exported.snapshot(database_url) as connection:
            found = await exported.count(connection, query)
            async with errors_told_apart():
                left_out = await chosen.left_out(connection, query)
            shown.begin("Exporting", found.taken(query))
            await write_days(connection, query, open_writer(form, file, folder), shown.advance)
    return found, left_out


def _tell(found: "DayCount", left_out: "LeftOut | None", query: "ExportQuery", path: Path) -> None:
    """What was written, and what was left out, on standard error."""
    where = "" if path == STANDARD_OUTPUT else f" to {path}"
    none_then = "" if found.days else of_instant(query.known_at, left_out)
    say(f"Wrote {found.taken(query):,} days of {query.model_id}{where}{none_then}.")
    if found.absent and query.absent:
        say(f"Of these {found.absent:,} have no vector.")
    elif found.absent:
        say(f"Left out {found.absent:,} without a vector; --absent takes them in.")
