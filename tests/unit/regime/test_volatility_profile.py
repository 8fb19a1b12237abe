"""`num-regime-scaled-v1`: by hand, and what holds of whatever windows."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_app.regime import volatility_profile as profile
from stream_app.regime.windows import windows

WINDOW = 63
Matrix = NDArray[np.float32]
SEEDS = st.integers(0, 2**32 - 1)


def window(closes: NDArray[np.float64], volumes: NDArray[np.float64] | None = None) -> tuple[Matrix, NDArray[np.int64]]:
    """The window of closes, one a day, as of the last of them."""
    dates = np.datetime64("2020-01-01", "D") + np.arange(len(closes))
    found = windows(dates, closes, np.zeros(len(closes)) if volumes is None else volumes, dates[-1:], WINDOW)
    return found.features, found.rows


def walk(seed: int, daily: float, rows: int = WINDOW) -> NDArray[np.float64]:
    """Closes of a random walk whose daily log returns have the standard deviation `daily`."""
    moves: NDArray[np.float64] = 100 * np.exp(np.cumsum(daily * np.random.default_rng(seed).standard_normal(rows)))
    return moves


def cosine(a: Matrix, b: Matrix) -> float:
    return float(a[0].astype(np.float64) @ b[0])


def test_a_steady_alternation_is_described_by_hand() -> None:
    daily = 0.16 / np.sqrt(252)  # one up, one down: a reference volatility by its squares
    features, rows = window(100 * np.exp(daily * (np.arange(WINDOW) % 2)))
    described = profile.descriptors(features, rows)[0]
    # The mean absolute return of a normal variable is sqrt(2 / pi) of its deviation; here it is all of it.
    assert described[:3] == pytest.approx(np.log(np.sqrt(np.pi / 2)), abs=1e-5)
    decay = 0.5 ** (1 / 11)
    falls = sum(decay**age for age in range(62) if age % 2) / sum(decay**age for age in range(62))
    newest_is_a_fall = features[0, -1, 2] < 0
    assert described[3] == pytest.approx(0.5 * np.log(2 * (1 - falls if newest_is_a_fall else falls)), abs=1e-5)
    sign = -1 if newest_is_a_fall else 1
    for index, half_life in ((4, 2), (5, 4)):
        weights = 0.5 ** (np.arange(62) / half_life)
        assert described[index] == pytest.approx(sign * (weights * (-1.0) ** np.arange(62)).sum() / weights.sum())
    assert described[6] == pytest.approx(np.log(daily / (0.16 * np.sqrt(21 / 252))), abs=1e-5)
    assert described[7] == pytest.approx(np.log(daily / (0.16 * np.sqrt(62 / 252))), abs=1e-5)


def test_the_vector_holds_cosine_and_sine_of_each_horizon() -> None:
    features, rows = window(walk(1, 0.02))
    angles = np.pi / 4 * profile.expected_log_volatilities(features, rows)[0]
    vector = profile.embed(features, rows)[0]
    assert vector[0:6:2] == pytest.approx(np.cos(angles) / np.sqrt(3), abs=1e-7)
    assert vector[1:6:2] == pytest.approx(np.sin(angles) / np.sqrt(3), abs=1e-7)
    assert vector.shape == (384,) and vector.dtype == np.float32
    assert not vector[6:].any()


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(1e-4, 0.05), st.floats(1e-3, 1e6), st.floats(0, 1e9))
def test_units_of_prices_and_volumes_change_nothing(seed: int, daily: float, factor: float, volume: float) -> None:
    closes = walk(seed, daily)
    plain = profile.embed(*window(closes))
    scaled = profile.embed(*window(closes * factor, np.full(WINDOW, volume)))
    assert np.allclose(plain, scaled, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(1e-6, 1e9), min_size=54, max_size=80),
    st.integers(0, 62),
)
def test_whatever_the_closes_the_vector_is_finite_and_of_length_one(closes: list[float], gap: int) -> None:
    dates = np.datetime64("2020-01-01", "D") + np.arange(len(closes))
    dates[gap:] += np.timedelta64(20, "D")
    found = windows(dates, np.array(closes), np.zeros(len(closes)), dates[-1:], WINDOW)
    vector = profile.embed(found.features, found.rows)
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)
    described = profile.descriptors(found.features, found.rows)
    assert (np.abs(described) <= 3).all()
    assert (np.abs(described[:, 4:6]) <= 1 + 1e-12).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, WINDOW))
def test_prices_that_stand_still_are_the_calmest_window(rows: int) -> None:
    still = np.zeros((1, WINDOW, 3), np.float32)
    still[:, :, 0] = 7.5
    calm = profile.expected_log_volatilities(still, np.array([rows]))
    moving = profile.expected_log_volatilities(*window(walk(3, 0.01)))
    assert (calm < moving).all()


@pytest.mark.parametrize("rows", [54, 60, 62])
def test_what_pads_a_short_window_is_not_read(rows: int) -> None:
    features, observed = window(walk(5, 0.02, rows))
    assert observed.tolist() == [rows]
    spoiled = features.copy()
    spoiled[:, rows:] = np.nan
    assert np.array_equal(profile.embed(features, observed), profile.embed(spoiled, observed))
    read_as_observed = profile.embed(features, np.array([WINDOW]))
    assert not np.array_equal(profile.embed(features, observed), read_as_observed)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0.004, 0.01), st.floats(1.3, 2.5), st.floats(1.3, 2.5))
def test_the_nearer_two_windows_volatilities_the_nearer_their_vectors(
    seed: int, daily: float, wilder: float, wildest: float
) -> None:
    calm = profile.embed(*window(walk(seed, daily)))
    wild = profile.embed(*window(walk(seed, daily * wilder)))
    crisis = profile.embed(*window(walk(seed, daily * wilder * wildest)))
    assert cosine(calm, wild) > cosine(calm, crisis)
    assert cosine(wild, crisis) > cosine(calm, crisis)


def test_after_falls_more_volatility_is_expected_than_after_rises() -> None:
    moves = np.abs(walk(8, 0.01) / 100 - 1)
    fallen, risen = (100 * np.exp(sign * np.cumsum(moves)) for sign in (-0.05, 0.05))
    expected = [profile.expected_log_volatilities(*window(closes)) for closes in (fallen, risen)]
    assert (expected[0] > expected[1]).all()


def test_one_wrong_price_counts_as_the_largest_return_and_no_more() -> None:
    closes = walk(4, 0.01)
    spoiled = {factor: closes * np.where(np.arange(WINDOW) < 30, 1.0, factor) for factor in (10.0, 1e6)}
    ten, million = (profile.embed(*window(closes)) for closes in spoiled.values())
    assert np.allclose(ten, million, atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.lists(st.sampled_from([54, 61, WINDOW]), min_size=1, max_size=9))
def test_a_vector_is_the_same_to_the_bit_whatever_is_computed_with_it(seed: int, rows: list[int]) -> None:
    features = np.random.default_rng(seed).normal(0, 0.02, (len(rows), WINDOW, 3)).astype(np.float32)
    together = profile.embed(features, np.array(rows))
    for index, observed in enumerate(rows):
        alone = profile.embed(features[index : index + 1], np.array([observed]))
        assert np.array_equal(together[index], alone[0])


def test_no_window_gives_no_vector_and_too_long_a_window_is_refused() -> None:
    assert profile.embed(np.zeros((0, WINDOW, 3), np.float32), np.zeros(0, np.int64)).shape == (0, 384)
    with pytest.raises(ValueError, match="the largest window is 128 rows"):
        profile.embed(np.zeros((1, 129, 3), np.float32), np.array([129]))


def test_the_fingerprint_changes_with_each_parameter_and_the_window() -> None:
    other: Any = 9.0
    changed = [dataclasses.replace(profile.DEFAULT, **{f.name: other}) for f in dataclasses.fields(profile.DEFAULT)]
    prints = [profile.fingerprint(WINDOW), profile.fingerprint(62)]
    prints += [profile.fingerprint(WINDOW, parameters) for parameters in changed]
    assert len(set(prints)) == len(prints)
