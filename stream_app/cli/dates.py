"""Dates on the command line: ISO 8601, YYYY-MM-DD, and nothing else."""

import datetime as dt
import re

import typer

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def iso_date(text: str) -> dt.date:
    """The date. Raises BadParameter in one sentence for another form or a date that no calendar has."""
    if not _ISO.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not of the form YYYY-MM-DD.")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"There is no date {text}: {error}.") from None
