"""How much one fit reads at most, and what is said where that is too much or nothing."""

import datetime as dt

from stream_app.errors import UsageError

MOST_DAYS = 100_000
"""Region days; both halves of them are 300 MB."""


def check_days(days: int, first: dt.date, last: dt.date) -> None:
    """UsageError where a fit on the days from first to last would read too many."""
    if days > MOST_DAYS:
        raise UsageError(f"There are over {MOST_DAYS:,} days to fit on{period(first, last)}; choose fewer.")


def no_vectors(model_id: str, region: str, first: dt.date, last: dt.date) -> UsageError:
    """Says that there is nothing to fit on, and what to do."""
    return UsageError(
        f"There are no vectors of {model_id} for {region}{period(first, last)}: close the days, or fill them in with "
        "`stream-app run-numeric-regime`."
    )


def period(first: dt.date, last: dt.date) -> str:
    """How a sentence goes on that is about these days; date.min and date.max are no bounds."""
    start = "" if first == dt.date.min else f" from {first}"
    return start + ("" if last == dt.date.max else f" to {last}")
