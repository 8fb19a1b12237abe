"""How the packaged coefficients were fitted, and that no run of the benchmark is in what they were fitted on."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.analogues import fitting
from benchmarks.analogues.candidates import CANDIDATES
from benchmarks.analogues.indices import FINAL, LONGER_DJI, RUNS, read
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
