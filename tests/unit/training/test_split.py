"""No day that is measured on shares a price with a day that is fitted on."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.regime.windows import lookback_days
from stream_app.training.split import time_split

DAYS = st.lists(st.integers(0, 4_000), max_size=200)
START = np.datetime64("2008-01-01", "D")


@settings(deadline=None)
@given(DAYS, st.integers(0, 400))
def test_whatever_the_days_more_than_the_embargo_lies_between_both_sides(offsets: list[int], embargo: int) -> None:
    days = START + np.array(offsets, "timedelta64[D]")
    split = time_split(days, embargo)
    assert not set(split.train.tolist()) & set(split.validation.tolist())
    if len(split.train) and len(split.validation):
        gap = days[split.validation].min() - days[split.train].max()
        assert gap > np.timedelta64(embargo, "D")


@settings(deadline=None)
@given(DAYS, st.integers(0, 400))
def test_everything_is_on_a_side_but_what_lies_within_the_embargo(offsets: list[int], embargo: int) -> None:
    days = START + np.array(offsets, "timedelta64[D]")
    split = time_split(days, embargo)
    left_out = np.setdiff1d(np.arange(len(days)), np.concatenate([split.train, split.validation]))
    if len(days):
        first = days[split.validation].min()
        assert all(first - np.timedelta64(embargo, "D") <= day < first for day in days[left_out])
        assert len(np.unique(days[split.validation])) >= len(np.unique(days)) // 4


@settings(deadline=None)
@given(DAYS, st.integers(2, 128))
def test_with_an_embargo_of_a_windows_reach_no_price_is_in_windows_of_both_sides(
    offsets: list[int], window_days: int
) -> None:
    days = START + np.array(offsets, "timedelta64[D]")
    split = time_split(days, lookback_days(window_days))
    if len(split.train) and len(split.validation):
        first_price = days[split.validation].min() - np.timedelta64(lookback_days(window_days), "D")
        assert days[split.train].max() < first_price
