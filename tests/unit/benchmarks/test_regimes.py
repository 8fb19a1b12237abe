"""How the packaged coefficients were fitted, that no run of the benchmark is in what they were fitted on, and what is
compared."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.analogues import fitting, joint_spaces
from benchmarks.analogues.candidates import CANDIDATES
from benchmarks.analogues.headlines import SessionTexts, by_session
from benchmarks.analogues.indices import FINAL, LONGER_DJI, RUNS, Prices, read
from stream_app.config import load_settings
from stream_app.regime.volatility_profile import DEFAULT
from stream_app.regime.windows import windows

CLOSES = Path(__file__).parents[4] / "shared" / "data" / "index_closes_1985_2023.csv.gz"


@pytest.mark.skipif(not CLOSES.exists(), reason="the indices are not in the repository")
def test_the_packaged_coefficients_are_those_of_the_fit() -> None:
    intercepts, coefficients = fitting.fit(read(CLOSES))
    assert intercepts.tolist() == list(DEFAULT.intercepts)
    assert coefficients.tolist() == [list(row) for row in DEFAULT.coefficients]


def test_everything_was_fitted_before_the_first_tested_day() -> None:
    assert all(run.tested > fitting.LAST for run in (*RUNS, LONGER_DJI, FINAL))
    assert FINAL.instrument not in fitting.INDICES


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_gives_a_finite_vector_a_window(name: str) -> None:
    dates = np.datetime64("2020-01-01", "D") + np.arange(70)
    closes = 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(0).standard_normal(70)))
    window = windows(dates, closes, np.zeros(70), dates[62:], 63)
    vectors = CANDIDATES[name](window.features, window.rows)
    assert len(vectors) == 8 and vectors.dtype == np.float32
    assert np.isfinite(vectors).all() and len(np.unique(vectors, axis=0)) == 8


def test_a_sessions_texts_are_the_mean_of_its_headlines_or_of_the_first_so_many_by_id() -> None:
    monday, tuesday = np.datetime64("2012-01-02"), np.datetime64("2012-01-03")
    sessions = np.array([tuesday, monday, tuesday, tuesday])
    vectors = np.repeat(np.array([[1.0], [5.0], [2.0], [9.0]], np.float32), 384, axis=1)
    every, first_two = by_session(sessions, vectors, None), by_session(sessions, vectors, 2)
    assert every.dates.tolist() == first_two.dates.tolist() == [monday.item(), tuesday.item()]
    assert (every.means[:, 0].tolist(), every.articles.tolist()) == ([5.0, 4.0], [1, 3])
    assert (first_two.means[:, 0].tolist(), first_two.articles.tolist()) == ([5.0, 1.5], [1, 2])


def test_every_shipped_joint_model_and_each_half_of_the_newest_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint_spaces, "SEEDS", ())
    rng = np.random.default_rng(0)
    dates = np.datetime64("2011-12-01", "D") + np.arange(70)
    prices = Prices(dates, 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(70))), np.zeros(70))
    texts = SessionTexts(dates[60:], rng.normal(0, 0.1, (10, 384)).astype(np.float32), np.arange(1, 11))
    found = joint_spaces.spaces(joint_spaces.JointDays.of(prices, texts), dates[65])
    assert set(load_settings().joint_models) <= found.keys()
    for space in found.values():
        assert space.dates.tolist() == dates[60:].tolist()
        assert np.isfinite(space.vectors).all()
    halves = found[joint_spaces.NUMBERS_ALONE].vectors + found[joint_spaces.TEXT_ALONE].vectors
    np.testing.assert_array_equal(found[joint_spaces.NEWEST].vectors, halves)
