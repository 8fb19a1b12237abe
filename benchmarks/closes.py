"""Closes to measure with."""

import datetime as dt
from collections.abc import Iterator

import numpy as np

from schemas import PriceClose

FIRST_DAY = dt.date(2006, 1, 2)


def instrument_id(number: int) -> str:
    """The id of the instrument with this number."""
    return f"I{number:04}.X"


def closes(instruments: int, days: int) -> Iterator[PriceClose]:
    """Random walks on consecutive days, all instruments of a day before the next day."""
    chance = np.random.default_rng(1)
    prices = 100 * np.exp(np.cumsum(chance.normal(0, 0.01, (days, instruments)), axis=0))
    volumes = chance.integers(1_000, 10_000_000, (days, instruments))
    for day in range(days):
        for number in range(instruments):
            yield PriceClose(
                instrument_id=instrument_id(number),
                trade_date=FIRST_DAY + dt.timedelta(days=day),
                close=float(prices[day, number]),
                volume=float(volumes[day, number]),
            )
