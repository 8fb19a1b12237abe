"""How much one fit reads at most, and how a sentence names its days."""

import datetime as dt

from stream_app.errors import UsageError

MOST_DAYS = 100_000
"""Region days; both halves of them are 300 MB."""


def check_days(days: int, first: dt.date, last: dt.date) -> None:
    """UsageError where a fit on the days from first to last would read too many."""
    if days > MOST_DAYS:
        raise UsageError(f"There are over {MOST_DAYS:,} days to fit on{period(first, last)}; choose fewer.")


def period(first: dt.date, last: dt.date) -> str:
    """How a sentence goes on that is about these days; date.min and date.max are no bounds."""
    start = "" if first == dt.date.min else f" from {first}"
    return start + ("" if last == dt.date.max else f" to {last}")
