"""Which regions and days a command is about, as the options of several commands say it."""

import datetime as dt
from typing import Annotated

import typer

from stream_app.cli.dates import iso_date

LARGEST_LIMIT = 1_000_000
FIRST, LAST = "First day, inclusive.", "Last day, inclusive."

Regions = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Exact name; repeat for several, none for all.")
]
Start = Annotated[dt.date | None, typer.Option(parser=iso_date, metavar="DATE", help=FIRST)]
End = Annotated[dt.date | None, typer.Option(parser=iso_date, metavar="DATE", help=LAST)]
From = Annotated[dt.date | None, typer.Option("--from", parser=iso_date, metavar="DATE", help=FIRST)]
To = Annotated[dt.date | None, typer.Option("--to", parser=iso_date, metavar="DATE", help=LAST)]
FromDay = Annotated[dt.date, typer.Option("--from", parser=iso_date, metavar="DATE", help=FIRST)]
ToDay = Annotated[dt.date, typer.Option("--to", parser=iso_date, metavar="DATE", help=LAST)]
"""Where a command needs both."""
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=LARGEST_LIMIT, help="The newest so many.")]


def check_order(first: dt.date | None, last: dt.date | None, options: tuple[str, str] = ("--from", "--to")) -> None:
    """UsageError, by the options' names, where the last day lies before the first."""
    from stream_app.errors import UsageError  # noqa: PLC0415 - so that --help is fast

    if first is not None and last is not None and first > last:
        raise UsageError(f"{options[0]} {first} is after {options[1]} {last}.")
