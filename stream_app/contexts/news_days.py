"""Which instants and dates belong to which of a region's days: numpy, no I/O."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas import Definition
from stream_app.regime.calendars import SessionCalendar

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


def places(
    published_at: Sequence[dt.datetime],
    news_dates: Sequence[dt.date],
    definition: Definition,
    calendar: SessionCalendar,
    days: Sequence[dt.date],
) -> list[NDArray[np.intp]]:
    """For each of the days the indices, ascending, of the articles that count on it.

    A session's news is also that of a forced non-session before it, so an article can count on two days.
    """
    days_64 = np.array(days, dtype="datetime64[D]")
    if definition.news_day == "utc_date":
        keys = np.array(news_dates, dtype="datetime64[D]")
        order = np.argsort(keys, kind="stable")
        starts = np.searchsorted(keys[order], days_64, side="left")
        ends = np.searchsorted(keys[order], days_64, side="right")
    else:
        instants = np.array([(instant - EPOCH) // MICROSECOND for instant in published_at], dtype="datetime64[us]")
        order = np.argsort(instants, kind="stable")
        after, until = calendar.news_windows(days_64)
        starts = np.searchsorted(instants[order], after, side="right")
        ends = np.searchsorted(instants[order], until, side="right")
    return [np.sort(order[start:end]) for start, end in zip(starts, ends, strict=True)]
