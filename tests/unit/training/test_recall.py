"""Recall at k, and what chance gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_app.evaluation.shifts import LEVEL
from stream_app.training.recall import KS, Recall, recalls
from tests.unit.evaluation.planted import slow

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


TRIALS, DAYS = 150, 140


def of_slow_noise(seed: int, regions: tuple[str, ...]) -> Recall:
    """Texts and windows that change slowly, the same news in all regions, and have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    texts, *windows = (unit(slow(DAYS, 16, 0.98, rng)) for _ in range(1 + len(regions)))
    named = np.tile(regions, DAYS)
    found = recalls(np.repeat(texts, len(regions), axis=0), np.stack(windows, axis=1).reshape(len(named), -1), named)
    return next(each for each in found if each.k == 10)


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


@pytest.mark.parametrize("regions", [("US",), ("EU", "US")])
def test_slow_noise_beats_chance_as_rarely_as_is_said_and_would_often_by_counting_days(
    regions: tuple[str, ...],
) -> None:
    found = [of_slow_noise(seed, regions) for seed in range(TRIALS)]
    assert 0.01 <= np.mean([each.beats_chance for each in found]) <= 2 * LEVEL
    errors = [np.sqrt(each.chance * (1 - each.chance) / each.texts) for each in found]
    by_counting = [each.share - each.chance > 2 * error for each, error in zip(found, errors, strict=True)]
    assert np.mean(by_counting) > 2 * LEVEL


def test_a_state_that_both_halves_show_beats_chance_however_slow_it_is() -> None:
    rng = np.random.default_rng(0)
    state = slow(DAYS, 16, 0.98, rng)
    texts, windows = (unit(state + 0.5 * rng.standard_normal(state.shape)) for _ in range(2))
    found = recalls(texts, windows, np.full(DAYS, "US"))
    assert all(each.beats_chance for each in found[:3])
    assert found[2].p_value < 0.02
    alike = recalls(np.ones((3, 8)), np.ones((3, 8)), np.array(["EU", "US", "US"]))
    assert [each.p_value for each in alike] == [1.0] * len(KS)
