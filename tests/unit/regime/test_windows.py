"""The windows against a second implementation, row by row, written from the original's rules."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from stream_app.regime.windows import Dates, Windows, lookback_days, min_rows, touched_until, windows, windows_touched

FIRST_DAY = np.datetime64("2008-01-01")
Rows = tuple[Dates, NDArray[np.float64], NDArray[np.float64]]


def days(*offsets: int) -> Dates:
    return FIRST_DAY + np.array(offsets, "timedelta64[D]")


def weekdays(count: int) -> Dates:
    return np.busday_offset(FIRST_DAY, np.arange(count), roll="forward")


@st.composite
def price_rows(draw: st.DrawFn) -> Rows:
    """Up to 150 rows: daily, with gaps, or so sparse that the lookback of a 63-row window binds."""
    longest_gap = draw(st.sampled_from([1, 3, 4, 7, 60]))
    gaps = draw(st.lists(st.integers(1, longest_gap), max_size=150))
    shape = len(gaps)
    closes = draw(hnp.arrays(np.float64, shape, elements=st.floats(0.01, 1e6), fill=st.just(1310.17)))
    volumes = draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1e11), fill=st.just(0.0)))
    return days(*np.cumsum(gaps).tolist()), closes, volumes


def reference_features(rows: list[tuple[float, float]], window_days: int) -> NDArray[np.float32]:
    """One window, value by value. The pad is a float32 array joined to a float64 one, which numpy makes float64."""
    features = np.zeros((window_days, 3), np.float32)
    if len(rows) < max(1, int(window_days * 0.87)):
        return features
    pad = window_days - len(rows)
    closes = np.concatenate([np.array([c for c, _ in rows]), np.full(pad, rows[-1][0], np.float32)])
    volumes = np.concatenate([np.array([v for _, v in rows]), np.full(pad, rows[-1][1], np.float32)])
    for t in range(window_days):
        log_return = 0.0 if t == 0 else float(np.log(closes[t] / closes[t - 1]))
        features[t] = [np.float32(closes[t]), np.float32(volumes[t]), np.float32(log_return)]
    return features


def reference_members(dates: Dates, as_of: np.datetime64, window_days: int) -> list[int]:
    """The indices of the last `window_days` rows within 3 * window_days calendar days up to as_of."""
    oldest = as_of - np.timedelta64(3 * window_days, "D")
    return [index for index, date in enumerate(dates) if oldest <= date <= as_of][-window_days:]


def assert_equals_reference(found: Windows, rows: Rows, as_ofs: Dates, window_days: int) -> None:
    dates, closes, volumes = rows
    for index, as_of in enumerate(as_ofs):
        members = reference_members(dates, as_of, window_days)
        expected = reference_features([(closes[i], volumes[i]) for i in members], window_days)
        assert found.features[index].tobytes() == expected.tobytes()
        assert found.rows[index] == len(members)
        newest = dates[members[-1]] if members else np.datetime64("NaT", "D")
        assert np.array_equal(found.last_date[index], newest, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(price_rows(), st.lists(st.integers(-5, 400), max_size=12), st.sampled_from([1, 2, 5, 20, 63, 128]))
def test_windows_equal_the_row_by_row_reference_to_the_bit(rows: Rows, offsets: list[int], window_days: int) -> None:
    as_ofs = days(*offsets)
    assert_equals_reference(windows(*rows, as_ofs, window_days), rows, as_ofs, window_days)


@settings(max_examples=20, deadline=None)
@given(price_rows(), st.sampled_from([2, 20, 63]))
def test_windows_as_of_every_row_equal_the_reference_to_the_bit(rows: Rows, window_days: int) -> None:
    assert_equals_reference(windows(*rows, rows[0], window_days), rows, rows[0], window_days)


def random_rows(dates: Dates, seed: int = 7) -> Rows:
    rng = np.random.default_rng(seed)
    closes = 1310.17 * np.exp(np.cumsum(rng.normal(0, 0.02, len(dates))))
    return dates, closes, rng.integers(0, 10**8, len(dates)).astype(np.float64)


def test_long_history_equals_the_reference_in_any_order_of_as_ofs() -> None:
    rows = random_rows(weekdays(400))
    as_ofs = np.random.default_rng(1).permutation(np.arange(FIRST_DAY, rows[0][-1] + np.timedelta64(5, "D")))
    found = windows(*rows, as_ofs, 63)
    assert_equals_reference(found, rows, as_ofs, 63)
    assert (found.rows == 63).any()
    assert ((found.rows >= 54) & (found.rows < 63)).any()


def test_as_ofs_that_are_each_row_once_in_any_order_equal_the_reference() -> None:
    rows = random_rows(weekdays(150))
    as_ofs = np.random.default_rng(2).permutation(rows[0][62:])
    assert_equals_reference(windows(*rows, as_ofs, 63), rows, as_ofs, 63)


def test_features_are_close_volume_and_log_return_of_the_last_rows_with_a_first_return_of_zero() -> None:
    rows = days(0, 1, 2), np.array([100.0, 110.0, 99.0]), np.array([5.0, 0.0, 7.0])
    found = windows(*rows, days(2), 2)
    expected = np.array([[[110.0, 0.0, 0.0], [99.0, 7.0, math.log(99 / 110)]]], np.float32)
    assert found.features.tobytes() == expected.tobytes()


def test_a_weekend_has_fridays_window() -> None:
    rows = random_rows(weekdays(90))
    friday = np.datetime64("2008-04-25")
    found = windows(*rows, np.array([friday, friday + 1, friday + 2]), 63)
    assert found.features[0].tobytes() == found.features[1].tobytes() == found.features[2].tobytes()
    assert (found.last_date == friday).all()


@pytest.mark.parametrize(("count", "enough"), [(53, False), (54, True), (62, True), (63, True)])
def test_54_of_63_rows_are_enough(count: int, enough: bool) -> None:
    rows = random_rows(weekdays(count))
    found = windows(*rows, rows[0][-1:], 63)
    assert found.rows.tolist() == [count]
    assert found.features.any() == enough


def test_the_first_padded_return_is_the_rounding_of_the_last_close_and_the_next_are_zero() -> None:
    dates, closes, volumes = random_rows(weekdays(54))
    closes[-1], volumes[-1] = 100.1, 123456789.0
    pad = windows(dates, closes, volumes, dates[-1:], 63).features[0, 54:]
    assert pad[0, 2] == np.float32(np.log(np.float64(np.float32(100.1)) / 100.1)) != 0
    assert abs(pad[0, 2]) < 1e-7
    assert not pad[1:, 2].any()
    assert (pad[:, 0] == np.float32(100.1)).all()
    assert (pad[:, 1] == np.float32(123456789.0)).all()


def test_a_row_189_days_back_is_in_the_window_and_one_190_days_back_is_not() -> None:
    dates = days(0, *range(130, 190))
    rows = random_rows(dates)
    assert windows(*rows, days(189, 190), 63).rows.tolist() == [61, 60]


def test_a_day_before_all_rows_has_no_window_and_no_last_date() -> None:
    found = windows(*random_rows(weekdays(70)), days(-1), 63)
    assert found.rows.tolist() == [0]
    assert np.isnat(found.last_date).all()
    assert not found.features.any()


def test_an_instrument_without_rows_has_empty_windows() -> None:
    empty = np.empty(0, np.float64)
    found = windows(days(), empty, empty, days(3, 4), 63)
    assert found.features.shape == (2, 63, 3)
    assert found.rows.tolist() == [0, 0]


@pytest.mark.parametrize("offsets", [(0, 1, 1), (1, 0, 2)])
def test_rows_whose_dates_repeat_or_fall_are_refused(offsets: tuple[int, ...]) -> None:
    values = np.ones(3)
    with pytest.raises(ValueError, match="ascending, each only once"):
        windows(days(*offsets), values, values, days(5), 63)


def test_arrays_of_different_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="3 dates, 2 closes and 3 volumes"):
        windows(days(0, 1, 2), np.ones(2), np.ones(3), days(5), 63)


@pytest.mark.parametrize("window_days", [0, 129])
def test_a_window_that_does_not_fit_the_vector_is_refused_naming_the_largest(window_days: int) -> None:
    with pytest.raises(ValueError, match="the largest window is 128 rows"):
        windows(*random_rows(weekdays(5)), days(5), window_days)


def test_the_floor_and_the_lookback_follow_the_window() -> None:
    assert [min_rows(n) for n in (1, 2, 63, 128)] == [1, 1, 54, 111]
    assert lookback_days(63) == 189


# what a change touches


@st.composite
def changes(draw: st.DrawFn, most: int) -> tuple[Dates, Dates, Dates, int]:
    """(dates before, dates after, changed dates, window_days) of up to `most` rows inserted, corrected or removed."""
    window_days = draw(st.integers(1, 6))
    everything = draw(st.lists(st.integers(0, 50), unique=True, min_size=1, max_size=40).map(sorted))
    changed = draw(st.lists(st.sampled_from(everything), unique=True, min_size=1, max_size=most).map(sorted))
    kinds = {day: draw(st.sampled_from(["inserted", "corrected", "removed"])) for day in changed}
    before = [day for day in everything if kinds.get(day) != "inserted"]
    after = [day for day in everything if kinds.get(day) != "removed"]
    return days(*before), days(*after), days(*changed), window_days


def holds_changed(dates: Dates, as_of: np.datetime64, changed: Dates, window_days: int) -> bool:
    members = dates[reference_members(dates, as_of, window_days)]
    return bool(np.isin(members, changed).any())


@settings(max_examples=300, deadline=None)
@given(changes(most=5))
def test_touched_windows_are_those_that_hold_or_held_a_changed_row(change: tuple[Dates, Dates, Dates, int]) -> None:
    before, after, changed, window_days = change
    expected = [
        a
        for a in after
        if holds_changed(before, a, changed, window_days) or holds_changed(after, a, changed, window_days)
    ]
    assert windows_touched(after, changed, window_days).tolist() == [a.item() for a in expected]


@settings(max_examples=100, deadline=None)
@given(changes(most=5))
def test_a_window_that_differs_is_touched(change: tuple[Dates, Dates, Dates, int]) -> None:
    before, after, changed, window_days = change

    def features(dates: Dates, price: float) -> NDArray[np.float32]:
        value = np.where(np.isin(dates, changed), price, dates.astype(np.float64))
        return windows(dates, value, value, after, window_days).features

    differs = (features(before, 3.0) != features(after, 4.0)).any(axis=(1, 2))
    assert np.isin(after[differs], windows_touched(after, changed, window_days)).all()


def held_days(before: Dates, after: Dates, changed: Dates, window_days: int) -> set[dt.date]:
    """Every calendar day whose window, before or after, holds a changed row."""
    calendar = np.arange(FIRST_DAY, FIRST_DAY + 80)
    return {
        a.item() for a in calendar if any(holds_changed(dates, a, changed, window_days) for dates in (before, after))
    }


def calendar_days(first: np.datetime64, last: np.datetime64) -> set[dt.date]:
    return set(np.arange(first, last + np.timedelta64(1, "D")).tolist())


@settings(max_examples=150, deadline=None)
@given(changes(most=1))
def test_a_change_touches_every_calendar_day_from_its_date_to_touched_until(
    change: tuple[Dates, Dates, Dates, int],
) -> None:
    before, after, changed, window_days = change
    until = touched_until(after, changed, window_days)
    assert calendar_days(changed[0], until[0]) == held_days(before, after, changed, window_days)


@settings(max_examples=150, deadline=None)
@given(changes(most=5))
def test_the_days_of_several_changes_together_miss_no_window(change: tuple[Dates, Dates, Dates, int]) -> None:
    before, after, changed, window_days = change
    until = touched_until(after, changed, window_days)
    covered = set().union(*(calendar_days(d, u) for d, u in zip(changed, until, strict=True)))
    assert held_days(before, after, changed, window_days) <= covered


def test_a_change_of_nothing_touches_nothing() -> None:
    assert windows_touched(days(0, 1), days(), 63).tolist() == []
    assert touched_until(days(0, 1), days(), 63).tolist() == []
