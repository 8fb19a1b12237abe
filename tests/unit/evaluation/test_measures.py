"""Volatility, neighbours, rank correlation and what is said of a space, against what can be computed by hand."""

import numpy as np
import pytest

from stream_app.evaluation import neighbours
from stream_app.evaluation.correlation import Correlations, circular_blocks, ranks, spearman
from stream_app.evaluation.neighbours import most_alike
from stream_app.evaluation.spaces import overlap, stability, text_share
from stream_app.evaluation.volatility import following, trailing
from stream_app.models import load_registry


def test_trailing_ends_with_its_session_and_following_begins_after_it() -> None:
    closes = 100 * np.exp(np.cumsum([0, 0, 0, 0.01, -0.02, 0, 0]))
    # Two sessions' squares: their mean times 252, the root's logarithm.
    assert np.exp(trailing(closes, 2)[4]) == pytest.approx(np.sqrt(252 * (0.01**2 + 0.02**2) / 2))
    assert np.exp(following(closes, 2)[2]) == pytest.approx(np.sqrt(252 * (0.01**2 + 0.02**2) / 2))
    assert np.isnan(trailing(closes, 2)[:2]).all() and np.isfinite(trailing(closes, 2)[2:]).all()
    assert np.isnan(following(closes, 2)[-2:]).all() and np.isfinite(following(closes, 2)[:-2]).all()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_too_short_a_series_has_no_volatility(rows: int) -> None:
    assert np.isnan(trailing(np.ones(rows), 2)).all()
    assert np.isnan(following(np.ones(rows), 2)).all()


def test_neighbours_are_those_of_a_plain_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "LARGEST_BLOCK_CELLS", 700)  # several blocks
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((200, 6)).astype(np.float32)
    sessions = np.sort(rng.choice(400, 200, replace=False))
    queries = np.arange(90, 200, 3)
    found = most_alike(vectors, sessions, queries, 30, 7)
    for query, chosen in zip(queries, found, strict=True):
        allowed = np.flatnonzero(sessions <= sessions[query] - 30)
        lengths = np.linalg.norm(vectors[allowed], axis=1)
        cosines = vectors[allowed] @ vectors[query] / lengths
        assert chosen.tolist() == allowed[np.argsort(-cosines)[:7]].tolist()


def test_a_day_with_too_little_history_has_no_neighbours() -> None:
    with pytest.raises(ValueError, match="fewer than 3"):
        most_alike(np.ones((40, 2), np.float32), np.arange(40), np.array([31]), 30, 3)


def test_ties_share_their_mean_rank() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0.0, 2.5, 1.0]


def test_rank_correlation_is_that_of_the_order() -> None:
    values = np.array([1.0, 5.0, 2.0, 9.0])
    assert spearman(values, np.exp(values)) == pytest.approx(1.0)
    assert spearman(values, -values) == pytest.approx(-1.0)
    # 1 - 6 sum(d^2) / (n (n^2 - 1)), with d = 1, 1, 0, 0
    assert spearman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 3.0, 4.0])) == pytest.approx(0.8)
    assert spearman(values, np.ones(4)) == 0.0


def test_blocks_are_consecutive_days_and_the_seed_decides() -> None:
    samples = circular_blocks(10, 4, 50)
    assert samples.shape == (50, 10)
    assert ((samples[:, 1:4] - samples[:, :3]) % 10 == 1).all()
    assert np.array_equal(samples, circular_blocks(10, 4, 50))
    assert not np.array_equal(samples, circular_blocks(10, 4, 50, seed=1))


def test_intervals_cover_the_truth_and_longer_blocks_widen_them_where_days_are_alike() -> None:
    rng = np.random.default_rng(3)
    slow = np.cumsum(rng.standard_normal((2, 600)), axis=1)
    widths = []
    for block in (1, 60):
        found = Correlations.of(slow[:1], slow[1], circular_blocks(600, block, 300)).estimate(0)
        assert found.low <= found.value <= found.high
        widths.append(found.high - found.low)
    assert widths[1] > 3 * widths[0]


def test_stability_and_overlap_are_means() -> None:
    turning = np.array([[1, 0], [0, 1], [0, 2]], np.float32)
    assert stability(turning) == pytest.approx(0.5)
    assert np.isnan(stability(turning[:1]))
    assert overlap(np.array([[1, 2], [3, 4]]), np.array([[2, 9], [4, 3]])) == 0.75


def test_the_text_share_is_that_of_what_tells_days_apart() -> None:
    numeric = np.zeros((4, 4), np.float32)
    text = np.zeros((4, 4), np.float32)
    numeric[:, 0], text[:, 1] = (3.0, 3.0, -3.0, -3.0), (1.0, -1.0, 1.0, -1.0)
    assert text_share(np.float32(0.5) * (numeric + text), numeric) == pytest.approx(0.25)
    assert text_share(np.float32(0.5) * (numeric + text) + np.float32(7), numeric) == pytest.approx(0.25)
    assert text_share(np.float32(0.5) * numeric, numeric) == 0.0
    assert text_share(text, np.zeros_like(text)) == 1.0
    large = np.float32(1e6) * numeric
    assert text_share(large + text, large) == pytest.approx(1 / 3e6, rel=0.01)


def test_in_the_packaged_scaled_space_the_share_is_the_texts_and_not_the_means_that_are_taken_off() -> None:
    rng = np.random.default_rng(5)
    model, articles = load_registry(None).joint("joint-regime-scaled-v2"), np.full(200, 3)
    numeric, text = rng.standard_normal((2, 200, 384)).astype(np.float32)
    still = np.repeat(text[:1], 200, axis=0)
    assert text_share(model.join(numeric, still, articles), numeric) < 1e-5
    assert 0.1 < text_share(model.join(numeric, text, articles), numeric) < 0.9
