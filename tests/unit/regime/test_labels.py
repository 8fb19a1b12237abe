"""How probable each label is: documented formulas, and no row depends on the others."""

import numpy as np
import pytest

from schemas import DIM
from stream_app.regime.labels import Mixture, Prototypes, probabilities
from stream_app.regime.volatility import realised_volatility

RNG = np.random.default_rng(5)
VECTORS = RNG.normal(size=(40, DIM)).astype(np.float32)
POINTS = RNG.normal(size=(3, DIM))
OWNERS = np.array([0, 1, 1])
MIXTURE = Mixture(
    origin=RNG.normal(size=DIM),
    axes=np.linalg.qr(RNG.normal(size=(DIM, 4)))[0].T,
    weights=np.array([0.7, 0.3]),
    means=RNG.normal(size=(2, 4)),
    variances=np.array([0.5, 2.0]),
)
FITTED: list[Prototypes | Mixture] = [
    Prototypes(POINTS, OWNERS, "cosine", 0.3),
    Prototypes(POINTS, OWNERS, "euclidean", 40.0),
    MIXTURE,
]


def test_a_label_is_as_probable_as_its_nearest_prototype_is_near() -> None:
    points = np.zeros((3, DIM))
    points[:, 0] = 1.0, 2.0, 5.0
    vector = np.zeros((1, DIM), np.float32)
    odds = np.exp([-(1.0**2) / 4.0, -(2.0**2) / 4.0])
    found = probabilities(Prototypes(points, OWNERS, "euclidean", 4.0), vector)
    np.testing.assert_allclose(found, [odds / odds.sum()], rtol=1e-12)


def test_the_cosine_leaves_length_aside_and_a_vector_of_zeros_is_as_far_from_all() -> None:
    fitted = FITTED[0]
    long, short = (probabilities(fitted, (VECTORS * scale).astype(np.float32)) for scale in (8.0, 0.25))
    np.testing.assert_allclose(long, short, rtol=1e-12)
    np.testing.assert_array_equal(probabilities(fitted, np.zeros((1, DIM), np.float32)), [[0.5, 0.5]])


def test_a_mixture_gives_the_share_of_each_weighted_density() -> None:
    places = (VECTORS.astype(np.float64) - MIXTURE.origin) @ MIXTURE.axes.T
    squares = np.square(places[:, None] - MIXTURE.means).sum(axis=2)
    densities = MIXTURE.weights * MIXTURE.variances**-2.0 * np.exp(-squares / (2 * MIXTURE.variances))
    expected = densities / densities.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(MIXTURE, VECTORS), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("fitted", FITTED)
def test_a_row_alone_gives_the_bits_that_it_gives_among_others(fitted: Prototypes | Mixture) -> None:
    together = probabilities(fitted, VECTORS)
    assert together.shape == (40, 2)
    np.testing.assert_allclose(together.sum(axis=1), 1.0, rtol=1e-12)
    for row, vector in enumerate(VECTORS):
        assert probabilities(fitted, vector[None])[0].tobytes() == together[row].tobytes()
    assert probabilities(fitted, VECTORS[:0]).shape == (0, 2)


@pytest.mark.parametrize("fitted", FITTED)
def test_a_vector_far_from_everything_still_has_probabilities(fitted: Prototypes | Mixture) -> None:
    found = probabilities(fitted, np.full((1, DIM), 1e8, np.float32))
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1.0)


def test_realised_volatility_is_of_the_21_returns_up_to_a_row() -> None:
    closes = 100 * np.exp(np.cumsum(np.where(np.arange(60) % 2, 0.01, -0.01)))
    found = realised_volatility(closes)
    assert np.isnan(found[:21]).all()
    np.testing.assert_allclose(found[21:], 0.01 * np.sqrt(252), rtol=1e-12)
    assert np.isnan(realised_volatility(closes[:21])).all()
