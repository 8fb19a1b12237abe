"""A label changes when others have beaten it for long enough, and is a function of the last sessions alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_app.regime.hysteresis import NO_LABEL, DayLabels, Hysteresis, consecutive, follow
from stream_app.regime.hysteresis import label_days as labels_of

RULE = Hysteresis(confirm_sessions=3, margin=0.1, history_sessions=12)
LABELS = 3
EPSILON = 1e-9

chances = st.lists(st.floats(0.01, 1), min_size=LABELS, max_size=LABELS).map(lambda row: [x / sum(row) for x in row])


def leading(label: int, lead: float = 0.5) -> list[float]:
    """Chances of which one label leads each of the others."""
    rest = (1 - lead) / LABELS
    return [rest + lead * (index == label) for index in range(LABELS)]


def held(rows: list[list[float]], present: list[bool] | None = None, rule: Hysteresis = RULE) -> list[int]:
    """The label after each session."""
    seen = np.array(present if present is not None else [True] * len(rows))
    found: list[int] = follow(np.array([rows]), seen[None], rule)[0].tolist()
    return found


def label_days(
    probabilities: NDArray[np.float64], present: NDArray[np.bool_], days: NDArray[np.int64], rule: Hysteresis
) -> DayLabels:
    """The labels of days among consecutive sessions."""
    return labels_of(probabilities, present, consecutive(days, rule.history_sessions), rule)


def test_a_change_takes_as_many_sessions_in_a_row_as_the_rule_says() -> None:
    rows = [leading(0)] * 2 + [leading(2)] * 4
    assert held(rows) == [0, 0, 0, 0, 2, 2]


def test_a_lead_below_the_margin_changes_nothing() -> None:
    assert set(held([leading(0)] + [leading(1, 0.09)] * 10)) == {0}
    assert held([leading(0)] + [leading(1, 0.11)] * 10)[-1] == 1


def test_of_several_challengers_the_one_that_was_most_probable_over_the_challenge_takes_over() -> None:
    rows = [leading(0), leading(1, 0.3), leading(2, 0.8), leading(1, 0.3)]
    assert held(rows) == [0, 0, 0, 2]


def test_a_session_that_is_not_there_neither_confirms_nor_ends_a_challenge() -> None:
    rows = [leading(0), leading(1), leading(1), leading(0), leading(1)]
    assert held(rows, [True, True, True, False, True]) == [0, 0, 0, 0, 1]
    assert held(rows) == [0, 0, 0, 0, 0]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, LABELS - 1), st.integers(0, 29), chances, st.integers(2, 5))
def test_one_noisy_day_changes_no_label_of_any_day(label: int, noisy: int, noise: list[float], confirm: int) -> None:
    rows = [leading(label)] * 30
    rows[noisy] = noise
    probabilities, all_present = np.array(rows), np.ones(30, bool)
    rule = Hysteresis(confirm, 0.1, 12)
    found = label_days(probabilities, all_present, np.arange(30), rule)
    # but of a day whose sessions begin on it the noise is the first thing known
    later = [day for day in range(30) if max(0, day - 11) != noisy or day - noisy >= confirm]
    assert {int(found.now[day]) for day in later} == {label}


@settings(deadline=None, max_examples=60)
@given(st.lists(chances, min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_there_is_no_look_ahead(rows: list[list[float]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities, present = np.array(rows), rng.random(len(rows)) < 0.8
    day = int(rng.integers(len(rows)))
    before = label_days(probabilities, present, np.array([day]), RULE)
    probabilities[day + 1 :] = leading(1)
    present[day + 1 :] = True
    after = label_days(probabilities, present, np.array([day]), RULE)
    assert (before.now, before.before, before.confidence) == (after.now, after.before, after.confidence)


@settings(deadline=None, max_examples=60)
@given(st.lists(chances, min_size=20, max_size=30), st.lists(chances, min_size=8, max_size=8))
def test_what_lies_before_the_history_changes_nothing(rows: list[list[float]], others: list[list[float]]) -> None:
    last = len(rows) - 1
    changed = others + rows[8:]
    found = [_labels_of_last(np.array(each), last) for each in (rows, changed)]
    assert found[0] == found[1]


def _labels_of_last(probabilities: NDArray[np.float64], last: int) -> list[tuple[int, int, float]]:
    made = label_days(probabilities, np.ones(len(probabilities), bool), np.array([last]), RULE)
    return list(zip(made.now.tolist(), made.before.tolist(), made.confidence.tolist(), strict=True))


@settings(deadline=None, max_examples=60)
@given(st.lists(chances, min_size=1, max_size=8), st.lists(chances, min_size=1, max_size=8), st.integers(0, LABELS - 1))
def test_once_one_label_has_led_for_long_enough_it_holds_wherever_the_machine_was_started(
    first: list[list[float]], other: list[list[float]], label: int
) -> None:
    confirmed = [leading(label, 0.2)] * (2 * RULE.confirm_sessions)
    assert held(first + confirmed)[-1] == held(other + confirmed)[-1] == label


@settings(deadline=None, max_examples=60)
@given(st.lists(chances, min_size=2, max_size=40), st.integers(0, 2**32 - 1))
def test_days_together_are_labelled_as_each_alone(rows: list[list[float]], seed: int) -> None:
    present = np.random.default_rng(seed).random(len(rows)) < 0.8
    together = label_days(np.array(rows), present, np.arange(len(rows)), RULE)
    for day in range(len(rows)):
        alone = label_days(np.array(rows), present, np.array([day]), RULE)
        assert (together.now[day], together.before[day]) == (alone.now[0], alone.before[0])
        assert together.confidence[day] == alone.confidence[0]


def test_a_day_without_a_new_vector_keeps_label_and_confidence_of_the_session_before() -> None:
    rows = np.array([leading(0, 0.3), leading(0, 0.4), leading(2)])
    found = label_days(rows, np.array([True, True, False]), np.array([1, 2]), RULE)
    assert found.now.tolist() == found.before.tolist() == [0, 0]
    assert found.confidence[0] == found.confidence[1] == round(rows[1][0], 6)


def test_a_day_with_nothing_but_an_old_vector_is_labelled_by_it_and_one_with_none_is_not() -> None:
    rows = np.array([[np.nan] * LABELS, leading(2)])
    found = label_days(rows, np.array([False, False]), np.array([0, 1]), RULE)
    assert found.now.tolist() == [NO_LABEL, 2]
    assert found.before.tolist() == [NO_LABEL, NO_LABEL]
    assert found.confidence.tolist() == [0.0, round(leading(2)[2], 6)]


@pytest.mark.parametrize(
    ("confirm", "margin", "history"), [(0, 0.1, 63), (63, 0.1, 63), (5, 1.0, 63), (5, -EPSILON, 63), (5, 0.1, 513)]
)
def test_a_rule_that_cannot_be_followed_is_refused(confirm: int, margin: float, history: int) -> None:
    with pytest.raises(ValueError, match=r"is to be"):
        Hysteresis(confirm, margin, history)
