"""Dates and instants as people and programs write them: ISO 8601, and nothing else."""

import datetime as dt
import re

ONE_DAY = dt.timedelta(days=1)
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO = re.compile(_DATE)
_ISO_INSTANT = re.compile(
    rf"{_DATE}[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?"
)


def is_date(text: str) -> bool:
    """Whether it has a date's form."""
    return _ISO.fullmatch(text) is not None


def date(text: str) -> dt.date:
    """The date. ValueError, a sentence, for another form or a date that no calendar has."""
    if not is_date(text):
        raise ValueError(f"{text!r} is not of the form YYYY-MM-DD.")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"There is no date {text}: {error}.") from None


def instant(text: str) -> dt.datetime:
    """The instant, in UTC. ValueError, a sentence, for another form, no offset, or a time that is none."""
    written = _ISO_INSTANT.fullmatch(text)
    if not written:
        raise ValueError(f"{text!r} is not of the form YYYY-MM-DDTHH:MM:SSZ.")
    if not written[3]:
        raise ValueError(f"{text!r} has no offset: end it with Z for UTC, or with one such as +01:00.")
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"There is no time {text}: {error}.") from None


def beginning(text: str) -> dt.datetime:
    """An instant; of a date its first in UTC. ValueError as `instant`."""
    return dt.datetime.combine(date(text), dt.time(), dt.UTC) if is_date(text) else instant(text)


def ending(text: str) -> dt.datetime:
    """An instant; of a date the one after its last in UTC. ValueError as `instant`."""
    try:
        return beginning(text) + ONE_DAY if is_date(text) else instant(text)
    except OverflowError:
        raise ValueError(f"{text} is the last day that there is.") from None


def utc(instant: dt.datetime) -> str:
    """An instant as `instant` reads it, in UTC, as short as it can be."""
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
