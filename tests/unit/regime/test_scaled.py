"""`scaled`: neither half drowns in the other, in whatever units they come and of however many articles, and a day's
bytes are its own."""

import numpy as np
import pytest

from stream_app.regime.scaled import Counts, Floats, ScaledJoin, Scaling, TextScaling, check_scaling
from stream_app.regime.text import day_means, day_spreads

DIM, DAYS, PROFILE = 384, 400, 6
"""The numeric half has numbers in its first places alone, as num-regime-scaled-v1."""
ARTICLES = np.full(DAYS, 5)


def numeric_halves(unit: float = 1.0) -> Floats:
    """Some figures a day, far from 0 and of one unit."""
    found = np.zeros((DAYS, DIM), np.float32)
    found[:, :PROFILE] = unit * np.random.default_rng(1).normal(5, 1, (DAYS, PROFILE))
    return found


def text_halves() -> Floats:
    """Short vectors in all directions about a mean, as means of articles are."""
    drawn = np.random.default_rng(2).normal(0.03, 0.01, (DAYS, DIM))
    return drawn.astype(np.float32)


def joined(unit: float = 1.0, numeric_weight: float = 3.0, text_weight: float = 3.0) -> ScaledJoin:
    text = TextScaling.fitted(text_halves(), ARTICLES, np.full(DAYS, 0.1))
    return ScaledJoin(Scaling.fitted(numeric_halves(unit)), text, numeric_weight, text_weight)


def rms_length(vectors: Floats) -> float:
    return float(np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=1).mean()))


def cosine(one: Floats, other: Floats) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e8])
def test_over_the_fitted_days_a_halfs_usual_length_is_its_weight_in_whatever_unit_it_comes(unit: float) -> None:
    join = joined(unit, numeric_weight=2.0, text_weight=5.0)
    numeric, text = numeric_halves(unit), text_halves()
    assert rms_length(join.numeric(numeric, 2.0)) == pytest.approx(2, rel=1e-5)
    assert rms_length(join.text(text, ARTICLES, 5.0)) == pytest.approx(5, rel=1e-5)
    vectors = join(numeric, text, ARTICLES)
    assert vectors.shape == (DAYS, DIM)
    assert vectors.dtype == np.float32
    assert np.abs(vectors.mean(axis=0)).max() < 1e-3
    assert rms_length(vectors) == pytest.approx(np.hypot(2, 5), rel=0.05)


def test_the_joint_vector_is_the_sum_of_the_centred_and_scaled_halves() -> None:
    join, numeric, text = joined(), numeric_halves(), text_halves()
    expected = 3 * (numeric[0] - numeric.mean(axis=0)) / join.numeric.scale
    expected += 3 * (text[0] - text.mean(axis=0)) / np.sqrt(join.text.scale**2 + join.text.within / 5)
    np.testing.assert_allclose(join(numeric, text, ARTICLES)[0], expected, rtol=1e-3, atol=1e-4)


def test_the_cosine_of_two_days_falls_when_either_half_differs_and_most_when_both_do() -> None:
    join, numeric, text = joined(), numeric_halves(), text_halves()
    days = range(0, DAYS - 1, 2)
    same_prices = [cosine(*join(numeric[[day, day]], text[[day, day + 1]], ARTICLES[:2])) for day in days]
    same_news = [cosine(*join(numeric[[day, day + 1]], text[[day, day]], ARTICLES[:2])) for day in days]
    neither = [cosine(*join(numeric[day : day + 2], text[day : day + 2], ARTICLES[:2])) for day in days]
    assert np.mean(same_prices) == pytest.approx(0.5, abs=0.1)
    assert np.mean(same_news) == pytest.approx(0.5, abs=0.1)
    assert np.mean(neither) == pytest.approx(0, abs=0.1)
    raised = joined(numeric_weight=6.0)
    heavier = [cosine(*raised(numeric[[day, day]], text[[day, day + 1]], ARTICLES[:2])) for day in days]
    assert np.mean(heavier) == pytest.approx(0.8, abs=0.1)


def test_a_days_bytes_do_not_depend_on_the_days_that_are_joined_with_it() -> None:
    join, numeric, text, articles = joined(), numeric_halves(), text_halves(), 1 + np.arange(DAYS)
    together = join(numeric, text, articles)
    for day in (0, 7, DAYS - 1):
        alone = slice(day, day + 1)
        assert join(numeric[alone], text[alone], articles[alone])[0].tobytes() == together[day].tobytes()
    assert join(numeric[:0], text[:0], articles[:0]).shape == (0, DIM)


TOPICS, ALIKE, FEW_DAYS = 6, 0.35, 120
"""Articles are of some topics; each day has its own share of them, and articles of a topic are more or less alike."""


def articles_of_days(counts: Counts, seed: int) -> tuple[Floats, Counts]:
    """Articles, each of length 1 as a text model's, of days of so many, and the days' bounds."""
    rng = np.random.default_rng(seed)
    topics = np.random.default_rng(0).normal(0.5, 1, (TOPICS, DIM))
    shares = rng.dirichlet(np.ones(TOPICS), len(counts))
    of_topic = [rng.choice(TOPICS, count, p=share) for count, share in zip(counts, shares, strict=True)]
    drawn = ALIKE * topics[np.concatenate(of_topic)] + rng.normal(0, 1, (int(counts.sum()), DIM))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn.astype(np.float32), np.concatenate([[0], np.cumsum(counts)])


@pytest.mark.parametrize("fitted_on", [(25,), (1, 2, 3, 40)])
def test_the_text_weighs_as_much_on_days_of_few_articles_as_on_days_of_many(fitted_on: tuple[int, ...]) -> None:
    counts = np.resize(fitted_on, FEW_DAYS)
    vectors, starts = articles_of_days(counts, seed=3)
    fitted = TextScaling.fitted(day_means(vectors, starts), counts, day_spreads(vectors, starts))
    for articles in (1, 2, 5, 8, 25, 75):
        of_days = np.full(FEW_DAYS, articles)
        means = day_means(*articles_of_days(of_days, seed=articles))
        assert rms_length(fitted(means, of_days, 3.0)) == pytest.approx(3, rel=0.1), articles


def test_days_whose_articles_have_nothing_in_common_differ_within_alone() -> None:
    counts = np.full(DAYS, 4)
    drawn = np.random.default_rng(5).normal(0, 0.1, (4 * DAYS, DIM)).astype(np.float32)
    starts = np.arange(0, 4 * DAYS + 1, 4)
    found = TextScaling.fitted(day_means(drawn, starts), counts, day_spreads(drawn, starts))
    assert found.within == pytest.approx(DIM * 0.1**2, rel=0.01)
    assert found.scale < 0.1 * np.sqrt(found.within)


def test_without_a_variance_within_days_the_scale_is_that_of_any_number_of_articles_to_the_bit() -> None:
    for scale in np.random.default_rng(7).lognormal(0, 3, 1_000).tolist():
        found = TextScaling(np.zeros(DIM, np.float32), scale, 0.0).scales(np.array([1, 3, 1_000]))
        assert found.tolist() == [scale] * 3


def test_too_few_days_or_days_that_are_all_the_same_fit_nothing() -> None:
    with pytest.raises(ValueError, match="1 days are too few"):
        Scaling.fitted(numeric_halves()[:1])
    with pytest.raises(ValueError, match="2 days are all the same"):
        Scaling.fitted(np.zeros((2, DIM), np.float32))
    with pytest.raises(ValueError, match="of the 400 days none has two articles"):
        TextScaling.fitted(text_halves(), np.ones(DAYS, np.int64), np.zeros(DAYS))


@pytest.mark.parametrize(
    ("mean", "scale"),
    [
        (np.zeros(383, np.float32), 1.0),
        (np.full(DIM, np.nan, np.float32), 1.0),
        (np.full(DIM, 3e38, np.float32), 1.0),
        (np.zeros(DIM, np.float32), 0.0),
        (np.zeros(DIM, np.float32), 1e-10),
        (np.zeros(DIM, np.float32), 1e13),
        (np.zeros(DIM, np.float32), np.inf),
        (np.zeros(DIM, np.float32), np.nan),
    ],
)
def test_what_centres_or_scales_nothing_is_refused(mean: Floats, scale: float) -> None:
    with pytest.raises(ValueError, match=r"^a (mean|scale) is not"):
        check_scaling(mean, scale)


@pytest.mark.parametrize("within", [-0.1, np.inf, np.nan])
def test_a_variance_that_is_none_is_refused(within: float) -> None:
    with pytest.raises(ValueError, match=r"^a scale is not"):
        check_scaling(np.zeros(DIM, np.float32), 1.0, within)
    check_scaling(np.zeros(DIM, np.float32), 0.0, 1.0)
