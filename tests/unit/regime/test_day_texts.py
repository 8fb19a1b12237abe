"""Content hashes, day means and batches of texts."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_app.regime.text import batches, content_hash, day_means, day_spreads


def test_a_content_hash_is_sha256_of_the_utf8_text() -> None:
    assert content_hash("Zürich 株価").hex() == hashlib.sha256("Zürich 株価".encode()).hexdigest()
    assert len(content_hash("")) == 32
    assert content_hash("a ") != content_hash("a")


def vectors_of(counts: list[int], dim: int = 16) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(sum(counts))
    rows = rng.normal(0, 1, (sum(counts), dim)) * 10.0 ** rng.integers(-8, 8, (sum(counts), dim))
    return rows.astype(np.float32), np.cumsum([0, *counts])


day_counts = st.lists(st.integers(1, 40), max_size=30)


@settings(max_examples=60, deadline=None)
@given(day_counts)
def test_a_days_mean_is_summed_row_by_row_in_float64(counts: list[int]) -> None:
    vectors, starts = vectors_of(counts)
    found = day_means(vectors, starts)
    assert found.shape == (len(counts), 16)
    for day, mean in enumerate(found):
        total = np.zeros(16, np.float64)
        for vector in vectors[starts[day] : starts[day + 1]]:
            total = total + vector.astype(np.float64)
        assert mean.tobytes() == (total / counts[day]).astype(np.float32).tobytes()


def test_a_long_days_mean_is_summed_row_by_row_too() -> None:
    vectors, starts = vectors_of([9_000, 1_001], dim=384)
    for of_day in (np.asfortranarray(vectors), vectors):
        found = day_means(of_day, starts)
        for day, mean in enumerate(found):
            rows = vectors[starts[day] : starts[day + 1]].astype(np.float64)
            assert mean.tobytes() == (np.add.accumulate(rows)[-1] / len(rows)).astype(np.float32).tobytes()


@settings(max_examples=60, deadline=None)
@given(day_counts.filter(bool), st.data())
def test_a_days_mean_does_not_depend_on_the_other_days(counts: list[int], data: st.DataObject) -> None:
    vectors, starts = vectors_of(counts)
    together = day_means(vectors, starts)
    day = data.draw(st.integers(0, len(counts) - 1))
    own = vectors[starts[day] : starts[day + 1]]
    assert day_means(own, np.array([0, len(own)]))[0].tobytes() == together[day].tobytes()


def test_one_articles_vector_is_its_days_mean_and_is_not_normalised() -> None:
    vector = np.full((1, 384), 3.0, np.float32)
    assert day_means(vector, np.array([0, 1])).tobytes() == vector.tobytes()


def test_a_days_spread_is_the_sum_of_its_articles_squared_distances_from_their_mean() -> None:
    vectors = np.array([[1, 0], [3, 0], [2, 6], [5, 5]], np.float32)
    assert day_spreads(vectors, np.array([0, 3, 4])).tolist() == [1 + 1 + 4 + 4 + 16, 0]
    assert day_spreads(vectors[:0], np.array([0])).shape == (0,)


@pytest.mark.parametrize("starts", [[0, 0, 2], [0, 1], [1, 2], [0, 3]])
def test_days_without_rows_and_rows_without_a_day_are_refused(starts: list[int]) -> None:
    with pytest.raises(ValueError, match="Every day needs at least one row"):
        day_means(np.ones((2, 4), np.float32), np.array(starts))


@settings(deadline=None)
@given(st.lists(st.integers(1, 512), max_size=60), st.integers(1, 4096))
def test_batches_hold_every_text_once_shortest_first_and_keep_the_budget(lengths: list[int], budget: int) -> None:
    tokens = np.array(lengths, np.int64)
    found = batches(tokens, budget)
    order = [int(index) for batch in found for index in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert tokens[order].tolist() == sorted(lengths)
    for batch in found:
        assert len(batch) == 1 or tokens[batch].max() * len(batch) <= budget


@settings(deadline=None)
@given(st.lists(st.integers(1, 512), max_size=60), st.integers(1, 4096))
def test_no_batch_could_have_taken_the_next_text(lengths: list[int], budget: int) -> None:
    tokens = np.array(lengths, np.int64)
    found = batches(tokens, budget)
    for batch, following in pairwise(found):
        assert tokens[following[0]] * (len(batch) + 1) > budget
