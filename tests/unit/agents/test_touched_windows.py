"""The windows of a chunk's instruments, computed together, are those of each instrument alone."""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import touched_windows as module
from agents.touched_windows import touched_windows
from stream_app.models.registry import raw_path
from stream_app.regime import numeric, windows
from stream_app.store.prices import EMPTY, Series

WINDOW_DAYS = 3

Found = dict[tuple[str, dt.date], tuple[int, bytes]]


def series(days: set[int]) -> Series:
    dates = [dt.date(1970, 1, 5) + dt.timedelta(days=day) for day in sorted(days)]
    return Series.of(dates, [10.0 + day for day in sorted(days)], [1000.0 + day for day in sorted(days)])


def one_by_one(rows: dict[str, Series], changed: dict[str, Series]) -> tuple[Found, set[tuple[str, dt.date]]]:
    found, gone = {}, set()
    for name, of_name in rows.items():
        touched = windows.windows_touched(of_name.dates, changed[name].dates, WINDOW_DAYS)
        made = windows.windows(of_name.dates, of_name.closes, of_name.volumes, touched, WINDOW_DAYS)
        vectors = numeric.embed(made.features)
        for index, day in enumerate(touched.tolist()):
            if made.rows[index] >= windows.min_rows(WINDOW_DAYS):
                found[name, day] = (int(made.rows[index]), vectors[index].tobytes())
            else:
                gone.add((name, day))
        gone |= {(name, day) for day in set(changed[name].dates.tolist()) - set(of_name.dates.tolist())}
    return found, gone


def together(rows: dict[str, Series], changed: dict[str, Series]) -> tuple[Found, list[tuple[str, dt.date]], int]:
    found, gone, batches = {}, [], 0
    for touched in touched_windows(rows, changed, [raw_path("num", WINDOW_DAYS)]):
        batches += 1
        made, lost = touched.made, touched.gone
        gone += lost
        for index, day in enumerate(made.as_ofs.tolist()):
            found[made.instruments[index], day] = (int(made.rows[index]), made.vectors[index].tobytes())
    return found, gone, batches


def test_models_of_like_and_of_other_windows_have_each_the_windows_that_it_has_alone() -> None:
    rows, changed = {"A": series(set(range(9))), "B": series({1, 2, 4})}, {"A": series({0, 3}), "B": series({2, 3})}
    models = [raw_path("a", 3), raw_path("b", 5), raw_path("c", 3)]
    found = list(touched_windows(rows, changed, models))
    assert sorted(touched.model.model_id for touched in found) == ["a", "b", "c"]
    for touched in found:
        (alone,) = touched_windows(rows, changed, [touched.model])
        assert (touched.made.instruments, touched.gone) == (alone.made.instruments, alone.gone)
        assert touched.made.vectors.tobytes() == alone.made.vectors.tobytes()
        assert touched.made.as_ofs.tolist() == alone.made.as_ofs.tolist()


day_sets = st.sets(st.integers(0, 25), max_size=10)


@given(st.dictionaries(st.sampled_from("ABCD"), st.tuples(day_sets, st.sets(st.integers(0, 25), min_size=1))))
def test_instruments_on_one_axis_have_the_windows_that_each_has_alone(
    chunk: dict[str, tuple[set[int], set[int]]],
) -> None:
    rows = {name: series(days) for name, (days, _) in chunk.items()}
    changed = {name: series(days) for name, (_, days) in chunk.items()}
    if not chunk:
        return
    found, gone, _ = together(rows, changed)
    expected, expected_gone = one_by_one(rows, changed)
    assert found == expected
    assert (set(gone), len(gone)) == (expected_gone, len(expected_gone))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two windows a batch."""
    monkeypatch.setattr(module, "BATCH_WINDOWS", 2)
    yield


@pytest.mark.usefixtures("small_batches")
def test_many_windows_come_in_batches_and_each_once() -> None:
    rows = {"A": series(set(range(7))), "B": series({1, 2, 4})}
    changed = {"A": series({0, 3}), "B": series({2, 3})}
    found, gone, batches = together(rows, changed)
    expected, expected_gone = one_by_one(rows, changed)
    assert (found, set(gone), len(gone)) == (expected, expected_gone, len(expected_gone))
    assert batches == 4


def test_an_instrument_that_lost_its_last_row_has_no_window() -> None:
    found, gone, _ = together({"A": EMPTY}, {"A": series({4})})
    assert (found, gone) == ({}, [("A", dt.date(1970, 1, 9))])


@pytest.mark.parametrize("year", [1678, 1969, 2261])
def test_every_date_of_an_event_keeps_its_place_on_the_axis(year: int) -> None:
    first = dt.date(year, 3, 1)
    rows = {
        name: Series.of([first + dt.timedelta(days=n) for n in range(3)], [1.0, 2.0, 3.0], [1.0] * 3) for name in "AB"
    }
    found, _, _ = together(rows, rows)
    assert {key for key in found if key[1] == first + dt.timedelta(days=2)} == {
        (name, first + dt.timedelta(days=2)) for name in "AB"
    }
    assert np.isfinite([np.frombuffer(vector, np.float32).sum() for _, vector in found.values()]).all()
