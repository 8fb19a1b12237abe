"""Analogue forecasts on markets of which the answer is known, and that they never know the future."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from stream_app.evaluation import analogues
from stream_app.evaluation.analogues import (
    RANDOM,
    TRAILING,
    Evaluation,
    Market,
    Row,
    Space,
    Study,
    TooFewDays,
    evaluate,
    first_after,
)
from stream_app.evaluation.neighbours import most_alike
from stream_app.evaluation.shifts import LEVEL
from stream_app.evaluation.volatility import HORIZON_SESSIONS, following
from tests.unit.evaluation.planted import DATES, SESSIONS, angles, market, noise, spells

STUDY = Study(counts=(10, 50), resamples=100)


def row(found: Evaluation, name: str, k: int | None = 50) -> Row:
    return next(each for each in found.rows if (each.name, each.k) == (name, k))


def test_vectors_that_know_what_comes_foretell_it_and_random_days_do_not() -> None:
    volatility = spells(25)
    squares = np.append(volatility[1:] ** 2, np.full(HORIZON_SESSIONS, volatility[-1] ** 2))
    coming = np.log(np.lib.stride_tricks.sliding_window_view(squares, HORIZON_SESSIONS).mean(axis=1))
    found = evaluate(market(volatility), {"knows": angles(coming), "noise": noise()}, STUDY)
    assert row(found, "knows").spearman.low > 0.85
    assert row(found, "knows").above_trailing.low > 0
    assert row(found, "knows").p_value == 1 / 200
    for blind in ("noise", RANDOM):
        assert row(found, blind).above_trailing.high < 0
        assert abs(row(found, blind).spearman.value) < 0.3
        assert float(row(found, blind).p_value or 0.0) > LEVEL
    assert row(found, TRAILING, None).above_trailing.value == 0.0


def leaky() -> tuple[Market, dict[str, Space]]:
    """Spells as long as the horizon, so that nothing before a day tells of what follows it, and vectors that make the
    days beside each other alike: whoever takes those has seen what came."""
    return market(spells(21)), {"clock": angles(np.arange(SESSIONS, dtype=np.float64))}


def test_days_beside_a_day_are_not_its_neighbours() -> None:
    chance = row(evaluate(*leaky(), STUDY), "clock", 10).spearman
    assert chance.value < 0.2


def test_the_test_above_would_see_a_neighbour_that_knows_the_future() -> None:
    study = dataclasses.replace(STUDY, counts=(10,))
    object.__setattr__(study, "gap_sessions", 1)
    assert row(evaluate(*leaky(), study), "clock", 10).spearman.value > 0.5


def test_a_gap_that_would_leak_is_refused() -> None:
    with pytest.raises(ValueError, match="would let a neighbour know the future"):
        Study(gap_sessions=21)


def forecasts(of: Market, space: Space, until: int) -> NDArray[np.float64]:
    """The forecasts of the days before session `until`."""
    study = Study(counts=(20,), last=DATES[until - 1])
    queries = analogues.tested_days(of, np.arange(len(of.dates)), study)
    found = most_alike(space.vectors, np.arange(len(of.dates)), queries, study.gap_sessions, 20)
    return analogues.forecast(following(of.closes), found)


def test_what_comes_after_a_day_changes_nothing_in_its_forecast() -> None:
    whole, space = market(spells(50)), noise()
    until = 1_500
    later = np.arange(SESSIONS) >= until
    other_prices = Market(whole.dates, np.where(later, whole.closes[::-1], whole.closes))
    other_vectors = Space(space.dates, np.where(later[:, None], -space.vectors, space.vectors))
    assert np.array_equal(forecasts(whole, space, until), forecasts(other_prices, other_vectors, until))
    earlier = Market(whole.dates, np.where(np.arange(SESSIONS) == 400, whole.closes * 1.5, whole.closes))
    assert not np.array_equal(forecasts(whole, space, until), forecasts(earlier, space, until))


def test_models_are_tested_on_the_days_that_all_of_them_have() -> None:
    every, some = noise(2), noise(3)
    thinned = Space(some.dates[::2], some.vectors[::2])
    found = evaluate(market(spells(50)), {"every": every, "some": thinned}, STUDY)
    alone = evaluate(market(spells(50)), {"some": thinned}, STUDY)
    assert (found.days, found.first, found.last) == (alone.days, alone.first, alone.last)
    assert row(found, "some").spearman == row(alone, "some").spearman
    assert not row(alone, "some").overlaps


def test_equal_models_have_all_neighbours_in_common() -> None:
    found = evaluate(market(spells(50)), {"a": noise(2), "b": noise(2), "c": noise(3)}, STUDY)
    assert row(found, "a").overlaps["b"] == 1.0
    assert row(found, "a").overlaps["c"] < 0.2
    assert row(found, RANDOM).overlaps == {}


def test_the_tested_days_are_every_so_many_between_the_bounds() -> None:
    bounds = dataclasses.replace(STUDY, first=DATES[500], last=DATES[799], every_sessions=5)
    found = evaluate(market(spells(50)), {"noise": noise()}, bounds)
    assert (found.days, found.first, found.last) == (60, DATES[500], DATES[795])


def test_too_few_days_are_told_with_what_is_missing() -> None:
    with pytest.raises(TooFewDays, match="0 days can be tested, fewer than 30: of 2000 days"):
        evaluate(market(spells(50)), {"noise": noise()}, dataclasses.replace(STUDY, first=DATES[-21]))


def test_the_same_study_gives_the_same_figures() -> None:
    of, spaces = market(spells(50)), {"noise": noise()}
    assert evaluate(of, spaces, STUDY) == evaluate(of, spaces, STUDY)


FITTED = 1_400
"""The last session that a memory is fitted on."""


def memory(of: Market) -> Space:
    """Vectors that know what followed the days up to FITTED, and nothing of later ones."""
    outcomes = following(of.closes)
    knows = angles(np.where(np.isfinite(outcomes), outcomes, 0.0)).vectors
    return Space(of.dates, np.where(np.arange(SESSIONS)[:, None] <= FITTED, knows, noise().vectors))


def test_a_model_that_knows_the_days_it_was_fitted_on_by_heart_foretells_nothing_after_them() -> None:
    of = market(spells(25))
    learned = {"memory": memory(of)}
    in_sample = evaluate(of, learned, dataclasses.replace(STUDY, last=DATES[FITTED]))
    after = evaluate(of, learned, dataclasses.replace(STUDY, fitted_last=DATES[FITTED]))
    assert row(in_sample, "memory").spearman.low > 0.8
    assert abs(row(after, "memory").spearman.value) < 0.3


def test_what_followed_the_fitted_days_has_ended_before_the_first_tested_day() -> None:
    every_day = dataclasses.replace(STUDY, fitted_last=DATES[FITTED], every_sessions=1)
    found = evaluate(market(spells(25)), {"noise": noise()}, every_day)
    assert found.first == DATES[FITTED + HORIZON_SESSIONS + 1]
    later = evaluate(market(spells(25)), {"noise": noise()}, dataclasses.replace(every_day, first=DATES[1_600]))
    assert later.first == DATES[1_600]


@pytest.mark.parametrize("day", [DATES[0] - 400, DATES[700], DATES[-1] + 400])
def test_a_fitted_day_need_not_be_a_session(day: np.datetime64) -> None:
    every_second = DATES[::2]
    first = first_after(every_second, day)
    assert (every_second[: max(first - HORIZON_SESSIONS, 0)] <= day).all()
    assert (every_second[max(first - HORIZON_SESSIONS, 0) :] > day).all()


def test_no_day_before_the_history_is_a_neighbour() -> None:
    of, space = market(spells(50)), noise()
    begins = 600
    study = dataclasses.replace(STUDY, history_first=DATES[begins])
    earlier = (np.arange(SESSIONS) < begins)[:, None]
    other = Space(space.dates, np.where(earlier, -space.vectors, space.vectors))
    found = evaluate(of, {"noise": space}, study)
    assert found == evaluate(of, {"noise": other}, study)
    assert found != evaluate(of, {"noise": space}, STUDY)
    assert found.first == DATES[begins + study.gap_sessions + max(study.counts) - 1]
