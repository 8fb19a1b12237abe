"""What followed a day: the return and the realised volatility of an instrument over the sessions after it."""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from stream_app.evaluation.volatility import HORIZON_SESSIONS
from stream_app.regime.volatility import realised_volatility
from stream_app.store.prices import Series


@dataclass(frozen=True, slots=True)
class Followed:
    """Up to and including `last_date`: the simple return, and the yearly volatility, both as a fraction."""

    last_date: dt.date
    simple_return: float
    volatility: float


def followed(series: Series, day: dt.date, known_until: dt.date | None = None) -> Followed | None:
    """What followed over the 21 rows after the day, from the close of the day or the last one before it.

    None where not all of them are there, or not all by `known_until`.
    """
    start = int(np.searchsorted(series.dates, np.datetime64(day, "D"), side="right")) - 1
    end = start + HORIZON_SESSIONS
    if start < 0 or end >= len(series):
        return None
    last_date: dt.date = series.dates[end].item()
    if known_until is not None and last_date > known_until:
        return None
    closes = series.closes[start : end + 1]
    volatility = realised_volatility(closes, HORIZON_SESSIONS)[-1]
    return Followed(last_date, float(closes[-1] / closes[0] - 1.0), float(volatility))
