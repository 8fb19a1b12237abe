"""What followed a day is of the 21 rows after it, and of nothing that was not known."""

import datetime as dt

import numpy as np
import pytest

from stream_app.evaluation.followed import followed
from stream_app.evaluation.volatility import HORIZON_SESSIONS, following
from stream_app.store.prices import EMPTY, Series

DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=number) for number in range(40)]
CLOSES = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, len(DAYS))))
SERIES = Series.of(DAYS, CLOSES.tolist(), [0.0] * len(DAYS))


def test_it_is_the_return_and_the_volatility_of_the_next_sessions() -> None:
    found = followed(SERIES, DAYS[5])
    assert found is not None
    assert found.last_date == DAYS[5 + HORIZON_SESSIONS]
    assert found.simple_return == pytest.approx(CLOSES[5 + HORIZON_SESSIONS] / CLOSES[5] - 1)
    assert np.log(found.volatility) == pytest.approx(following(CLOSES)[5])


def test_a_day_without_a_price_starts_from_the_last_one_before_it() -> None:
    series = Series.of([*DAYS[:5], *DAYS[6:]], np.delete(CLOSES, 5).tolist(), [0.0] * (len(DAYS) - 1))
    assert followed(series, DAYS[5]) == followed(series, DAYS[4])


def test_where_not_all_of_it_is_there_or_known_nothing_is_told() -> None:
    last = len(DAYS) - 1 - HORIZON_SESSIONS
    assert followed(SERIES, DAYS[last]) is not None
    assert followed(SERIES, DAYS[last + 1]) is None
    assert followed(SERIES, DAYS[0] - dt.timedelta(days=1)) is None
    assert followed(EMPTY, DAYS[0]) is None
    assert followed(SERIES, DAYS[0], known_until=DAYS[HORIZON_SESSIONS]) is not None
    assert followed(SERIES, DAYS[0], known_until=DAYS[HORIZON_SESSIONS - 1]) is None
