"""Recall at k, and what chance gives."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_app.training.recall import KS, recalls

US = np.full(200, "US")


def directions(count: int, seed: int) -> NDArray[np.float64]:
    rows = np.random.default_rng(seed).normal(size=(count, 8))
    found: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def test_halves_that_are_the_same_always_find_each_other() -> None:
    same = directions(200, 0)
    assert [each.share for each in recalls(same, same, US)] == [1.0] * len(KS)


def test_halves_that_are_all_alike_find_each_other_by_chance_not_always() -> None:
    alike = np.ones((200, 8)) / np.sqrt(8)
    found = recalls(alike, alike, US)
    assert [each.share for each in found] == [0, 0, 0, 0]
    assert np.allclose([each.chance for each in found], np.array(KS) / 200)


def test_a_text_is_looked_for_among_the_days_of_its_own_region() -> None:
    regions = np.array(["EU"] * 5 + ["US"] * 195)
    found = recalls(directions(200, 0), directions(200, 1), regions)
    assert np.isclose(found[1].chance, (5 * 1 + 195 * 5 / 195) / 200)
    assert found[1].share >= 5 / 200


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 1_000))
def test_more_places_find_no_fewer(count: int, seed: int) -> None:
    found = recalls(directions(count, seed), directions(count, seed + 1), np.full(count, "US"))
    assert sorted(each.share for each in found) == [each.share for each in found]
    assert np.allclose([each.chance for each in found], [min(k / count, 1) for k in KS])
