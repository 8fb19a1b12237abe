"""Slow noise is taken for skill as rarely as it is said."""

import numpy as np
import pytest

from stream_app.evaluation import analogues, shifts
from stream_app.evaluation.analogues import Study, by_chance, forecast
from stream_app.evaluation.correlation import spearman
from stream_app.evaluation.neighbours import most_alike
from stream_app.evaluation.shifts import LEVEL, p_value, some_shifts
from stream_app.evaluation.volatility import following
from tests.unit.evaluation.planted import market, slow

TRIALS, SESSIONS = 100, 1_200


def test_p_is_the_share_of_all_places_that_reach_what_was_found() -> None:
    assert p_value(2.0, np.array([1.0, 2.0, 3.0])) == 3 / 4
    assert p_value(4.0, np.array([1.0, 2.0, 3.0])) == 1 / 4
    assert p_value(4.0, np.array([])) == 1.0


@pytest.mark.parametrize("days", [0, 1, 2, 3, 200, 201, 9_999])
def test_shifts_are_different_and_none_is_no_shift(days: int) -> None:
    found = some_shifts(days)
    assert len(np.unique(found)) == len(found) == min(max(days - 1, 0), 199)
    assert ((found > 0) & (found < days)).all()


def judged(seed: int) -> tuple[float, float]:
    """The p of vectors and a market that change slowly and know nothing of each other, and the correlation."""
    rng = np.random.default_rng(seed)
    of = market(0.01 * np.exp(0.5 * slow(SESSIONS, 1, 0.98, rng)[:, 0]), seed + TRIALS)
    vectors = slow(SESSIONS, 4, 0.98, rng).astype(np.float32)
    queries = analogues.tested_days(of, np.arange(SESSIONS), Study(counts=(50,)))
    near, outcomes = most_alike(vectors, np.arange(SESSIONS), queries, 30, 50), following(of.closes)
    found = spearman(forecast(outcomes, near), outcomes[queries])
    return p_value(found, by_chance(outcomes, queries, near)), found


def test_slow_vectors_that_know_nothing_beat_chance_as_rarely_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shifts, "MOST_SHIFTS", 39)
    found = np.array([judged(seed) for seed in range(TRIALS)])
    assert 0.01 <= (found[:, 0] <= LEVEL).mean() <= 0.1
    assert 0.35 < (found[:, 0] <= 0.5).mean() < 0.65
    assert (found[:, 1] > 0).mean() > 0.6, "days beside each other are alike, so it looks like skill"
