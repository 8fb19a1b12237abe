"""Fits find what was planted, depend on nothing but the days, and come back from their file to the bit."""

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from schemas import DIM
from stream_app.errors import UsageError
from stream_app.labelling import file
from stream_app.labelling.fit import Days, Method, NamedWindow, fit_prototypes, fit_unnamed
from stream_app.regime.labels import Distance, Mixture, Prototypes, probabilities

FIRST = dt.date(2000, 1, 3)
LEVELS = (0.4, 0.1, 0.2)
"""The planted volatilities; their ranks are 2, 0, 1."""
RANKS = np.array([2, 0, 1])
COUNT = 400


def planted(seed: int = 3) -> tuple[Days, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Days of three regimes in long stretches, in vectors of log volatility with noise, and each day's rank."""
    rng = np.random.default_rng(seed)
    regime = (np.arange(COUNT) // 40) % 3
    vectors = np.zeros((COUNT, DIM), np.float32)
    vectors[:, :5] = np.log(np.array(LEVELS)[regime] / 0.16)[:, None] + rng.normal(0, 0.1, (COUNT, 5))
    vectors[:, 5] = 1.0
    days = np.datetime64(FIRST, "D") + np.arange(COUNT)
    return Days(days, vectors, np.array(LEVELS)[regime]), RANKS[regime]


def day(offset: int) -> dt.date:
    return FIRST + dt.timedelta(days=offset)


WINDOWS = [
    NamedWindow("CRISIS", day(0), day(39)),
    NamedWindow("CALM", day(40), day(79)),
    NamedWindow("CRISIS", day(120), day(159)),
]


def content(fitted: tuple[tuple[str, ...], Prototypes | Mixture]) -> bytes:
    return file.encoded(file.file_of(*fitted, "num-x", "f" * 64))


@pytest.mark.parametrize("method", ["k-means", "mixture"])
def test_planted_regimes_are_found_and_ranked_by_volatility(method: Method) -> None:
    days, rank = planted()
    labels, fitted = fit_unnamed(days, method, 3, seed=0)
    assert labels == ("CALM", "NORMAL", "STRESSED")
    assert (probabilities(fitted, days.vectors).argmax(axis=1) == rank).mean() > 0.99


@pytest.mark.parametrize("method", ["k-means", "mixture"])
def test_the_same_days_in_any_order_give_the_same_bytes(method: Method) -> None:
    days, _ = planted()
    mixed = np.random.default_rng(1).permutation(COUNT)
    shuffled = Days.in_order(days.days[mixed], days.vectors[mixed], days.volatility[mixed])
    assert content(fit_unnamed(days, method, 3, seed=7)) == content(fit_unnamed(shuffled, method, 3, seed=7))


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_a_named_window_is_a_prototype_of_its_label_in_whatever_order_it_is_named(
    distance: Distance,
) -> None:
    days, rank = planted()
    labels, fitted = fit_prototypes(days, WINDOWS, distance)
    assert labels == ("CALM", "CRISIS")
    assert isinstance(fitted, Prototypes)
    assert fitted.owners.tolist() == [0, 1, 1]
    np.testing.assert_allclose(fitted.points[0], days.vectors[40:80].astype(np.float64).mean(axis=0))
    found = probabilities(fitted, days.vectors).argmax(axis=1)
    assert (found[rank != 1] == (rank[rank != 1] == 2)).mean() > 0.99
    assert content(fit_prototypes(days, WINDOWS[::-1], distance)) == content((labels, fitted))


@pytest.mark.parametrize("method", ["k-means", "mixture"])
def test_a_fit_comes_back_from_its_file_to_the_bit(method: Method, tmp_path: Path) -> None:
    days, _ = planted()
    made = fit_unnamed(days, method, 3, seed=0)
    path = tmp_path / "regimes.json"
    path.write_bytes(content(made))
    read, data = file.read(path)
    assert data == path.read_bytes()
    assert (read.labels, read.numeric_model_id) == (made[0], "num-x")
    assert probabilities(read.fitted(), days.vectors).tobytes() == probabilities(made[1], days.vectors).tobytes()


def test_what_cannot_be_fitted_is_refused() -> None:
    days, _ = planted()
    with pytest.raises(UsageError, match=r"^At least two labels are needed"):
        fit_prototypes(days, WINDOWS[:1], "cosine")
    with pytest.raises(UsageError, match=r"^There is no day to fit on for CALM from 1990-01-01 to 1990-02-01\.$"):
        empty = NamedWindow("CALM", dt.date(1990, 1, 1), dt.date(1990, 2, 1))
        fit_prototypes(days, [WINDOWS[0], empty], "cosine")
    few = Days(days.days[:99], days.vectors[:99], days.volatility[:99])
    with pytest.raises(UsageError, match=r"^99 days are too few for 3 components"):
        fit_unnamed(few, "k-means", 3, seed=0)
    unknown = Days(days.days, days.vectors, np.full(COUNT, np.nan))
    with pytest.raises(UsageError, match=r"cannot be ordered by volatility"):
        fit_unnamed(unknown, "k-means", 3, seed=0)


@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text[:-20],
        lambda text: text.replace(b'"prototypes"', b'"magic"'),
        lambda text: text.replace(b'"STRESSED"', b'"stressed"'),
        lambda text: text.replace(b'"temperature": 0', b'"temperature": -0'),
        lambda text: re.sub(rb'"temperature": [^,]+', b'"temperature": 1e-320', text),
        lambda text: re.sub(rb"\[\s+\[\s+[^,]+", b"[[1e200", text),
        lambda text: text.replace(b'"owners": [', b'"owners": ["CALM", '),
    ],
)
def test_a_file_of_anything_else_is_refused_by_its_name(broken: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "regimes.json"
    path.write_bytes(broken(content(fit_unnamed(planted()[0], "k-means", 2, seed=0))))
    with pytest.raises(UsageError, match=r"regimes\.json holds no fitted regimes: "):
        file.read(path)
    with pytest.raises(UsageError, match=r"cannot be read: No such file"):
        file.read(tmp_path / "absent.json")
