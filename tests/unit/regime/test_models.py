"""The numeric and the joint model, from values written out by hand."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from stream_app.regime import joint, numeric


def test_a_numeric_vector_is_the_window_day_by_day_then_zeros() -> None:
    features = np.arange(1, 2 * 63 * 3 + 1, dtype=np.float32).reshape(2, 63, 3)
    vectors = numeric.embed(features)
    assert vectors.shape == (2, 384)
    assert vectors.dtype == np.float32
    assert vectors[1, :189].tolist() == list(range(190, 379))
    assert not vectors[:, 189:].any()


def test_the_largest_window_fills_the_vector_and_a_larger_one_is_refused() -> None:
    assert numeric.embed(np.ones((1, 128, 3), np.float32)).all()
    with pytest.raises(ValueError, match="the largest window is 128 rows"):
        numeric.embed(np.ones((1, 129, 3), np.float32))


def test_no_window_gives_no_vector() -> None:
    assert numeric.embed(np.zeros((0, 63, 3), np.float32)).shape == (0, 384)


def mean_of_days(vectors: NDArray[np.float32], enough: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The means over instruments, the first axis of vectors, that have enough rows on a day, the second axis."""
    means = numeric.DayMeans.of_days(vectors.shape[1])
    for of_instrument, days in zip(vectors, enough, strict=True):
        means.add(of_instrument[days], np.flatnonzero(days))
    return means.means(np.flatnonzero(enough.any(axis=0)))


def test_several_instruments_are_averaged_in_float64() -> None:
    one_day = np.zeros((3, 1, 384), np.float32)
    one_day[:, 0, :2] = [[1e8, 1.0], [1.0, 2.0], [-1e8, 6.0]]
    mean = mean_of_days(one_day, np.ones((3, 1), np.bool_))
    assert mean[0, :2].tolist() == [np.float32(1 / 3), 3.0]
    assert mean.dtype == np.float32


def test_one_instrument_alone_is_its_own_mean_to_the_bit() -> None:
    vector = np.random.default_rng(0).normal(0, 1e7, (1, 1, 384)).astype(np.float32)
    assert mean_of_days(vector, np.ones((1, 1), np.bool_)).tobytes() == vector.tobytes()


def test_the_means_of_many_days_are_those_of_each_day_alone_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 1e7, (7, 20, 384)).astype(np.float32)
    enough = rng.random((7, 20)) < 0.6
    alone = [
        mean_of_days(vectors[:, [day]], enough[:, [day]])[0] for day in np.flatnonzero(enough.any(axis=0)).tolist()
    ]
    assert mean_of_days(vectors, enough).tobytes() == np.stack(alone).tobytes()


def test_the_numeric_fingerprint_tells_windows_apart() -> None:
    assert numeric.fingerprint(63) == numeric.fingerprint(63)
    assert len({numeric.fingerprint(days) for days in (62, 63, 64)}) == 3


def test_a_joint_vector_is_half_of_each() -> None:
    found = joint.joint(np.array([2.0, 1e7, 0.0], np.float32), np.array([4.0, 0.5, 1e-8], np.float32))
    assert found.tolist() == [3.0, 5000000.0, np.float32(5e-9)]
    assert found.dtype == np.float32


def test_joint_vectors_are_the_same_to_the_bit_computed_together_alone_or_in_float64() -> None:
    rng = np.random.default_rng(0)
    prices = rng.normal(0, 1e7, (50, 384)).astype(np.float32)
    news = rng.normal(0, 0.05, (50, 384)).astype(np.float32)
    together = joint.joint(prices, news)
    alone = np.stack([joint.joint(*halves) for halves in zip(prices, news, strict=True)])
    wide = (0.5 * prices.astype(np.float64) + 0.5 * news.astype(np.float64)).astype(np.float32)
    assert together.tobytes() == alone.tobytes() == wide.tobytes()


def test_the_norm_is_a_float32() -> None:
    norm = joint.l2_norm(np.array([3.0, 4.0], np.float32))
    assert isinstance(norm, np.float32)
    assert norm == 5.0


def test_the_norm_is_the_nearest_float32_whatever_the_processor() -> None:
    # Prices beside volumes, as in a core vector: a dot product in float32 is off by some last digits here.
    vectors = np.random.default_rng(0).uniform(1, 1e9, (200, 384)).astype(np.float32)
    exact = [np.float32(math.sqrt(math.fsum(x * x for x in vector.tolist()))) for vector in vectors]
    assert [joint.l2_norm(vector) for vector in vectors] == exact


def test_the_models_have_different_fingerprints() -> None:
    assert joint.fingerprint() != numeric.fingerprint(63)
