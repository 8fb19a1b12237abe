"""Dates and instants on the command line: ISO 8601 as people write it, and nothing else."""

import datetime as dt
import re

import typer

ONE_DAY = dt.timedelta(days=1)
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO = re.compile(_DATE)
_ISO_INSTANT = re.compile(
    rf"{_DATE}[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?"
)


def iso_date(text: str) -> dt.date:
    """The date. Raises BadParameter in one sentence for another form or a date that no calendar has."""
    if not _ISO.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not of the form YYYY-MM-DD.")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"There is no date {text}: {error}.") from None


def iso_instant(text: str) -> dt.datetime:
    """The instant, in UTC. Raises BadParameter in one sentence for another form, no offset, or a time that is none."""
    written = _ISO_INSTANT.fullmatch(text)
    if not written:
        raise typer.BadParameter(f"{text!r} is not of the form YYYY-MM-DDTHH:MM:SSZ.")
    if not written[3]:
        raise typer.BadParameter(f"{text!r} has no offset: end it with Z for UTC, or with one such as +01:00.")
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"There is no time {text}: {error}.") from None


def utc(instant: dt.datetime) -> str:
    """An instant as `iso_instant` reads it, in UTC, as short as it can be."""
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def beginning(text: str) -> dt.datetime:
    """An instant; of a date its first in UTC. Raises BadParameter in one sentence for anything else."""
    if _is_date(text):
        return dt.datetime.combine(iso_date(text), dt.time(), dt.UTC)
    return iso_instant(text)


def ending(text: str) -> dt.datetime:
    """An instant; of a date the one after its last in UTC. Raises BadParameter as `beginning`."""
    instant = beginning(text)
    try:
        return instant + ONE_DAY if _is_date(text) else instant
    except OverflowError:
        raise typer.BadParameter(f"{text} is the last day that there is.") from None


def _is_date(text: str) -> bool:
    return _ISO.fullmatch(text) is not None
