"""Dates and times on the command line: ISO 8601, YYYY-MM-DD, or with a time of day and an offset."""

import datetime as dt
import re

import typer

ONE_DAY = dt.timedelta(days=1)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def iso_date(text: str) -> dt.date:
    """The date. Raises BadParameter in one sentence for another form or a date that no calendar has."""
    if not _ISO.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not of the form YYYY-MM-DD.")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"There is no date {text}: {error}.") from None


def beginning(text: str) -> dt.datetime:
    """An instant; of a date its first in UTC. Raises BadParameter in one sentence for anything else."""
    if _is_date(text):
        return dt.datetime.combine(iso_date(text), dt.time(), dt.UTC)
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a date nor a time, as in 2025-01-31T16:00:00Z.") from None
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text} has no offset; put a Z behind it for UTC.")
    return instant


def ending(text: str) -> dt.datetime:
    """An instant; of a date the one after its last in UTC. Raises BadParameter as `beginning`."""
    instant = beginning(text)
    try:
        return instant + ONE_DAY if _is_date(text) else instant
    except OverflowError:
        raise typer.BadParameter(f"{text} is the last day that there is.") from None


def _is_date(text: str) -> bool:
    return _ISO.fullmatch(text) is not None
