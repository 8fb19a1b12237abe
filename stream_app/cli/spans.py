"""The days of a seed command: one, or all from one to another."""

import datetime as dt

import typer

from stream_app.cli.dates import iso_date
from stream_app.errors import UsageError

AS_OF = typer.Option(parser=iso_date, metavar="DATE", help="One day.")
DATE_RANGE = typer.Option(parser=iso_date, metavar="START END", help="The days from START to END, both inclusive.")


def span(as_of: dt.date | None, date_range: tuple[dt.date, dt.date] | None) -> tuple[dt.date, dt.date]:
    """The first and the last day. Raises UsageError unless exactly one of both is given, in order."""
    if (as_of is None) == (date_range is None):
        raise UsageError("Give either --as-of DATE or --date-range START END.")
    first, last = (as_of, as_of) if date_range is None else date_range
    assert first is not None and last is not None
    if first > last:
        raise UsageError(f"--date-range {first} {last} ends before it starts.")
    return first, last
