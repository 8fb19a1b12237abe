"""A cached tail makes the windows that the database's rows would make, or it is not kept."""

import datetime as dt

import pytest

from agents import window_cache
from agents.window_cache import WindowCache
from stream_app.store.prices import EMPTY, Series

FIRST = dt.date(2008, 1, 1)
WINDOW_DAYS = 3
LOOKBACK_DAYS = 9


def series(*days: int) -> Series:
    return Series.of([FIRST + dt.timedelta(days=d) for d in days], [float(d) for d in days], [1.0 for _ in days])


def days_of(rows: Series | None) -> list[int] | None:
    return None if rows is None else [(day - FIRST).days for day in rows.dates.tolist()]


@pytest.fixture
def cache() -> WindowCache:
    return WindowCache(WINDOW_DAYS)


def test_the_last_window_of_rows_is_kept(cache: WindowCache) -> None:
    assert cache.get("A") is None
    cache.update({"A": series(1, 2, 3, 4)}, {"A": series(4)})
    assert days_of(cache.get("A")) == [2, 3, 4]
    cache.clear()
    assert cache.get("A") is None


def test_a_tail_holds_no_other_rows_in_memory(cache: WindowCache) -> None:
    cache.update({"A": series(*range(100))}, {"A": series(99)})
    tail = cache.get("A")
    assert tail is not None
    assert tail.dates.base is None


def test_after_a_retraction_of_the_newest_row_nothing_is_kept_because_older_rows_may_be_missing(
    cache: WindowCache,
) -> None:
    cache.update({"A": series(1, 2, 3)}, {"A": series(3)})
    cache.update({"A": series(1, 2)}, {"A": series(3)})
    assert cache.get("A") is None
    cache.update({"A": EMPTY}, {"A": series(3)})
    assert cache.get("A") is None


def test_rows_that_do_not_reach_the_end_are_not_kept(cache: WindowCache) -> None:
    cache.update({"A": series(1, 2, 3)}, {"A": series(3)})
    beyond = 2 + LOOKBACK_DAYS + 1
    cache.update({"A": series(1, 2, 3, beyond)}, {"A": series(2)})
    assert cache.get("A") is None
    cache.update({"A": series(1, 2, 3, beyond - 1)}, {"A": series(2)})
    assert days_of(cache.get("A")) == [2, 3, beyond - 1]


def test_the_instruments_seen_longest_ago_are_dropped(cache: WindowCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_cache, "LARGEST_INSTRUMENTS", 2)
    one = series(1)
    cache.update({"A": one, "B": one}, {"A": one, "B": one})
    cache.update({"A": one}, {"A": one})
    cache.update({"C": one}, {"C": one})
    assert [name for name in "ABC" if cache.get(name) is not None] == ["A", "C"]
