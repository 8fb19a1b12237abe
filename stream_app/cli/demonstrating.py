"""`demo`: the packaged sample through everything, and what comes of it."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from stream_app.cli.choices import choices_of, settings_of
from stream_app.cli.dates import iso_date
from stream_app.cli.output import reader_may_leave, say

LEHMAN = "2008-09-15"

commands = typer.Typer()


@commands.command(epilog="Example: [bold]stream-app demo --region EU --day 2008-10-08[/bold]")
def demo(
    ctx: typer.Context,
    region: Annotated[str, typer.Option(help="Region to compare days of: US, EU or JP.")] = "US",
    day: Annotated[
        dt.date, typer.Option(parser=iso_date, metavar="DATE", help="The day that others are compared with.")
    ] = LEHMAN,  # type: ignore[assignment] # typer parses defaults too
) -> None:
    """Run the packaged sample of 2006 to 2009 through Kafka, a worker and Postgres, and show what comes of it.

    Its data stay in the folder `demo` of the data folder; the next run starts afresh. Needs no settings, and those for
    services of your own are left alone. Everything it starts is stopped at its end, also by Ctrl-C.
    """
    from stream_app.demo.run import Demo
    from stream_app.demo.tables import what_next

    shown = Demo(settings_of(ctx), choices_of(ctx).config, region, day, say, _show)
    place = shown.run()
    _show(what_next(_program(), place.folder, shown.page, shown.models_file, region))


def _show(result: Any) -> None:
    """Write a result, text or a table, to standard output."""
    from stream_app.ingest.display import console

    with reader_may_leave(sys.stdout):
        console().print(result, markup=False, soft_wrap=isinstance(result, str))


def _program() -> str:
    """How this program was called, so that what it prints can be typed."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "stream-app" else f"{sys.executable} -m stream_app"
