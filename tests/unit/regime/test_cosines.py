"""Cosines and the plane of a map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_app.regime.cosines import cosines, to_the_one_before
from stream_app.regime.principal import plane

TEXTS = np.eye(384, dtype=np.float32)[[0, 1, 0, 0]] + np.eye(384, dtype=np.float32)[[0, 1, 1, 1]] * np.array(
    [[0], [0], [0.1], [1]], dtype=np.float32
)


def test_the_cosine_to_itself_is_one_and_to_a_right_angle_zero() -> None:
    assert cosines(TEXTS, 0) == pytest.approx([1.0, 0.0, 1 / np.hypot(1, 0.1), 1 / np.sqrt(2)], abs=1e-7)


def test_the_cosine_to_the_one_before_is_one_fewer_than_the_vectors() -> None:
    assert to_the_one_before(TEXTS[[0, 0, 1]]) == pytest.approx([1.0, 0.0])
    assert len(to_the_one_before(TEXTS[:1])) == len(to_the_one_before(TEXTS[:0])) == 0


def planted(days: int, seed: int) -> NDArray[np.float32]:
    """Vectors that differ in two directions by far the most."""
    random = np.random.default_rng(seed)
    base = np.ones(384) * 10
    axes = np.linalg.qr(random.standard_normal((384, 2)))[0].T
    spread = random.standard_normal((days, 2)) * [5.0, 2.0]
    found: NDArray[np.float32] = (base + spread @ axes + 1e-3 * random.standard_normal((days, 384))).astype(np.float32)
    return found


def test_a_plane_holds_what_tells_the_days_apart() -> None:
    found = plane(planted(200, 3))
    assert found.points.shape == (200, 2)
    assert found.explained[0] > found.explained[1]
    assert found.explained.sum() > 0.99


def test_a_plane_keeps_the_distances_that_it_holds() -> None:
    vectors = planted(50, 4)
    unit = vectors / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    true = np.linalg.norm(unit[:, None] - unit[None], axis=2)
    points = plane(vectors).points
    assert np.linalg.norm(points[:, None] - points[None], axis=2) == pytest.approx(true, abs=5e-3)


@settings(deadline=None)
@given(st.integers(0, 1_000), st.permutations(range(12)))
def test_the_same_days_in_any_order_and_of_any_length_give_the_same_map(seed: int, order: list[int]) -> None:
    vectors = planted(12, seed)
    found, other = plane(vectors).points, plane(np.float32(4) * vectors[order]).points
    assert other == pytest.approx(found[order], abs=1e-6)


def test_many_days_have_the_plane_that_few_of_them_would_have() -> None:
    """More days than numbers are taken another way, which must find the same."""
    vectors = planted(384, 6)
    doubled = plane(np.concatenate([vectors, vectors])).points
    assert doubled[:384] == pytest.approx(plane(vectors).points, abs=1e-6)


@pytest.mark.parametrize("days", [0, 1, 2])
def test_few_days_make_a_plane_too(days: int) -> None:
    found = plane(planted(days, 5))
    assert found.points.shape == (days, 2)
    assert np.isfinite(found.points).all() and np.isfinite(found.explained).all()
    assert found.points[:, 1] == pytest.approx(0, abs=1e-6)


def test_days_that_are_all_the_same_are_one_point() -> None:
    found = plane(np.repeat(TEXTS[:1], 5, axis=0))
    assert not found.points.any() and not found.explained.any()
