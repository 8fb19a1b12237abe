"""A day is labelled by its own history, whatever it is computed with, and sessions without a price are passed over."""

import datetime as dt

import numpy as np
import pytest

from schemas import DIM
from stream_app.contexts.batch import Batch
from stream_app.contexts.day_labels import DayLabel, day_labels, first_session
from stream_app.models import RegimesModel
from stream_app.models.registry import raw_path
from stream_app.regime.calendars import load_calendar
from stream_app.regime.hysteresis import Hysteresis
from stream_app.regime.labels import Prototypes
from stream_app.regime.windows import min_rows
from stream_app.store.prices import Series
from stream_app.store.trigger_queue import WaitingTrigger
from tests.unit.contexts.test_compose import KNOWN_AT, trigger

XNYS = load_calendar("XNYS", dt.date(2030, 12, 31))
WINDOW_DAYS, HISTORY = 3, 6
SESSIONS = XNYS.sessions_between(dt.date(2008, 7, 1), dt.date(2008, 10, 31))
LOW_FROM, HIGH_AGAIN = 30, 60
SATURDAY = dt.date(2008, 9, 20)


def model() -> RegimesModel:
    """CALM near closes of 1,000, CRISIS near 500."""
    points = np.zeros((2, DIM))
    points[0, : 3 * WINDOW_DAYS : 3], points[1, : 3 * WINDOW_DAYS : 3] = 1000.0, 500.0
    fitted = Prototypes(points, np.arange(2), "euclidean", 1e5)
    return RegimesModel(
        "r", raw_path("num", WINDOW_DAYS), ("CALM", "CRISIS"), fitted, Hysteresis(2, 0.1, HISTORY), (), "f"
    )


def series(missing: frozenset[int] = frozenset()) -> dict[str, Series]:
    """Closes of 1,000, then 500, then 1,000 again, and noise."""
    rng = np.random.default_rng(4)
    prices = [(500.0 if LOW_FROM <= at < HIGH_AGAIN else 1000.0) + rng.normal(0, 90) for at in range(len(SESSIONS))]
    kept = [at for at in range(len(SESSIONS)) if at not in missing]
    of_one = Series.of([SESSIONS[at] for at in kept], [prices[at] for at in kept], [0.0] * len(kept))
    return {"A": of_one, "B": of_one}


def labels(days: list[dt.date], of: dict[str, Series] | None = None) -> list[DayLabel | None]:
    waiting = [WaitingTrigger(trigger(day), KNOWN_AT, learnt=False) for day in days]
    return day_labels(Batch(waiting, XNYS), series() if of is None else of, MODEL)


MODEL = model()


@pytest.mark.parametrize("missing", [frozenset(), frozenset({12, 13, 31, 32, 40, 61})])
def test_days_together_in_any_order_are_labelled_as_each_alone(missing: frozenset[int]) -> None:
    days = [*SESSIONS[5:], SATURDAY]
    mixed = [days[at] for at in np.random.default_rng(1).permutation(len(days))]
    together = labels(mixed, series(missing))
    assert together == [labels([day], series(missing))[0] for day in mixed]
    assert {each.label for each in together if each is not None} == {"CALM", "CRISIS"}


def test_a_day_that_is_no_session_has_the_label_of_the_session_before_and_changes_none() -> None:
    friday, saturday = labels([dt.date(2008, 9, 19), SATURDAY])
    assert friday is not None and saturday is not None
    assert (saturday.label, saturday.confidence) == (friday.label, friday.confidence)
    assert not saturday.is_change


def test_what_comes_later_changes_no_label_before_it() -> None:
    whole = series()
    until = {name: Series(s.dates[:50], s.closes[:50], s.volumes[:50]) for name, s in whole.items()}
    assert labels(SESSIONS[5:50], until) == labels(SESSIONS[5:50], whole)


def test_closes_further_back_than_the_history_and_its_windows_change_nothing() -> None:
    whole, day = series(), SESSIONS[70]
    at = np.searchsorted(whole["A"].dates, np.datetime64(first_session(XNYS, day, HISTORY))) - WINDOW_DAYS + 1
    recent = {name: Series(s.dates[at:], s.closes[at:], s.volumes[at:]) for name, s in whole.items()}
    assert labels([day], recent) == labels([day], whole)


def test_the_first_vector_begins_no_regime_and_a_day_without_any_has_no_label() -> None:
    assert labels([SESSIONS[0]]) == [None]
    assert labels([SESSIONS[30]], {}) == [None]
    first = labels([SESSIONS[min_rows(WINDOW_DAYS) - 1]])[0]
    assert first is not None
    assert (first.before, first.is_change) == (None, False)


def test_the_history_of_a_day_begins_so_many_sessions_back() -> None:
    assert first_session(XNYS, SESSIONS[20], HISTORY) == SESSIONS[20 - HISTORY + 1]
    assert first_session(XNYS, SESSIONS[20], 1) == SESSIONS[20]
    monday = next(day for day in SESSIONS if day > SATURDAY)
    assert first_session(XNYS, SATURDAY, 1) == SATURDAY
    assert first_session(XNYS, SATURDAY, 2) == SESSIONS[SESSIONS.index(monday) - 1]
    assert first_session(XNYS, XNYS.sessions[2].item(), HISTORY) == XNYS.sessions[0].item()
