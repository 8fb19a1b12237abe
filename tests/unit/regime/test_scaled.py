"""`scaled`: neither half drowns in the other, in whatever units they come, and a day's bytes are its own."""

import numpy as np
import pytest

from stream_app.regime.scaled import Floats, ScaledJoin, Scaling, check_scaling

DIM, DAYS, PROFILE = 384, 400, 6
"""The numeric half has numbers in its first places alone, as num-regime-scaled-v1."""


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
    fitted = Scaling.fitted(numeric_halves(unit)), Scaling.fitted(text_halves())
    return ScaledJoin(*fitted, numeric_weight, text_weight)


def rms_length(vectors: Floats) -> float:
    return float(np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=1).mean()))


def cosine(one: Floats, other: Floats) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e8])
def test_over_the_fitted_days_a_halfs_usual_length_is_its_weight_in_whatever_unit_it_comes(unit: float) -> None:
    join = joined(unit, numeric_weight=2.0, text_weight=5.0)
    numeric, text = numeric_halves(unit), text_halves()
    assert rms_length(join.numeric(numeric, 2.0)) == pytest.approx(2, rel=1e-5)
    assert rms_length(join.text(text, 5.0)) == pytest.approx(5, rel=1e-5)
    vectors = join(numeric, text)
    assert vectors.shape == (DAYS, DIM)
    assert vectors.dtype == np.float32
    assert np.abs(vectors.mean(axis=0)).max() < 1e-3
    assert rms_length(vectors) == pytest.approx(np.hypot(2, 5), rel=0.05)


def test_the_joint_vector_is_the_sum_of_the_centred_and_scaled_halves() -> None:
    join, numeric, text = joined(), numeric_halves(), text_halves()
    expected = 3 * (numeric[0] - numeric.mean(axis=0)) / join.numeric.scale
    expected += 3 * (text[0] - text.mean(axis=0)) / join.text.scale
    np.testing.assert_allclose(join(numeric, text)[0], expected, rtol=1e-3, atol=1e-4)


def test_the_cosine_of_two_days_falls_when_either_half_differs_and_most_when_both_do() -> None:
    join, numeric, text = joined(), numeric_halves(), text_halves()
    days = range(0, DAYS - 1, 2)
    same_prices = [cosine(*join(numeric[[day, day]], text[[day, day + 1]])) for day in days]
    same_news = [cosine(*join(numeric[[day, day + 1]], text[[day, day]])) for day in days]
    neither = [cosine(*join(numeric[day : day + 2], text[day : day + 2])) for day in days]
    assert np.mean(same_prices) == pytest.approx(0.5, abs=0.1)
    assert np.mean(same_news) == pytest.approx(0.5, abs=0.1)
    assert np.mean(neither) == pytest.approx(0, abs=0.1)
    raised = joined(numeric_weight=6.0)
    heavier = [cosine(*raised(numeric[[day, day]], text[[day, day + 1]])) for day in days]
    assert np.mean(heavier) == pytest.approx(0.8, abs=0.1)


def test_a_days_bytes_do_not_depend_on_the_days_that_are_joined_with_it() -> None:
    join, numeric, text = joined(), numeric_halves(), text_halves()
    together = join(numeric, text)
    for day in (0, 7, DAYS - 1):
        assert join(numeric[day : day + 1], text[day : day + 1])[0].tobytes() == together[day].tobytes()
    assert join(numeric[:0], text[:0]).shape == (0, DIM)


def test_too_few_days_or_days_that_are_all_the_same_fit_nothing() -> None:
    with pytest.raises(ValueError, match="1 days are too few"):
        Scaling.fitted(numeric_halves()[:1])
    with pytest.raises(ValueError, match="2 days are all the same"):
        Scaling.fitted(np.zeros((2, DIM), np.float32))


@pytest.mark.parametrize(
    ("mean", "scale"),
    [
        (np.zeros(383, np.float32), 1.0),
        (np.full(DIM, np.nan, np.float32), 1.0),
        (np.zeros(DIM, np.float32), 0.0),
        (np.zeros(DIM, np.float32), np.inf),
        (np.zeros(DIM, np.float32), np.nan),
    ],
)
def test_what_centres_or_scales_nothing_is_refused(mean: Floats, scale: float) -> None:
    with pytest.raises(ValueError, match=r"^a (mean|scale) is not"):
        check_scaling(Scaling(mean, scale))
