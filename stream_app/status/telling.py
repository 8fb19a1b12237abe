"""Facts as people read them: a part of a sentence each. Pure; times are in UTC."""

import datetime as dt

from stream_app.status.facts import Waiting, WaitsFor
from stream_app.store.definitions import OtherDefinition

NAMED_PARTITIONS = 3


def span_told(seconds: float) -> str:
    """A length of time in one unit: 45 s, 12 min, 5 h, 3 days."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def instant_told(instant: dt.datetime) -> str:
    """An instant to the minute."""
    return f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def days_told(count: int) -> str:
    """A number of days."""
    return "1 day" if count == 1 else f"{count:,} days"


def waiting_told(waiting: Waiting) -> str:
    """Which day is next and what it waits for."""
    others = f" and {waiting.days - 1:,} more" if waiting.days > 1 else ""
    return f"{waiting.as_of}{others} {_wait(waiting)}"


def _wait(waiting: Waiting) -> str:
    one = waiting.days == 1
    match waiting.waits_for:
        case WaitsFor.CLOSER:
            return f"{'is' if one else 'are'} to be closed by a worker since {instant_told(waiting.since)}"
        case WaitsFor.CUT:
            return f"{'waits' if one else 'wait'} for the ends of Kafka's topics"
        case WaitsFor.LOG:
            return f"{'waits' if one else 'wait'} to be read back from regions.day-closes"
        case WaitsFor.RECORDS:
            return f"{'waits' if one else 'wait'} for {_behind(waiting)}"
        case WaitsFor.COMPUTING:
            return f"{'is' if one else 'are'} to be computed by a worker"
        case WaitsFor.PRICE:
            until = "" if waiting.until is None else f" until {instant_told(waiting.until)}"
            return f"{'waits' if one else 'wait'} for a price{until}"


def _behind(waiting: Waiting) -> str:
    named = ", ".join(
        f"{each.topic}[{each.partition}] at {each.applied:,} of {each.until:,}"
        for each in waiting.behind[:NAMED_PARTITIONS]
    )
    more = len(waiting.behind) - NAMED_PARTITIONS
    return f"{named} and {more} more" if more > 0 else named


def definition_told(other: OtherDefinition) -> str:
    """Days that were computed under another definition than today's, as a sentence."""
    days = other.days
    span = f"{days[0]}" if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
    if other.now is None:
        return f"{other.region}: {span} computed; the region is no longer in the regions file."
    changes = [
        f"{name} {_shown(getattr(other.was, name))} is now {_shown(getattr(other.now, name))}"
        for name in other.was.__struct_fields__
        if getattr(other.was, name) != getattr(other.now, name)
    ]
    return f"{other.region}: {span} computed under another definition: {', '.join(changes)}."


def _shown(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ",".join(value)
