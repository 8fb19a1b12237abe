"""The packaged scaled models on planted days: how long their vectors are, and how much of them is the text's."""

import csv
import gzip

import numpy as np
import pytest

from stream_app import sample
from stream_app.models import load_registry
from stream_app.regime.scaled import Floats, ScaledJoin
from stream_app.regime.windows import min_rows, windows

DIM, WINDOW_DAYS = 384, 63
COUNTS = (1, 2, 5, 8, 25)


@pytest.fixture(scope="module")
def numeric_halves() -> Floats:
    """The vectors of the packaged sample's S&P 500, from calm 2006 to the crisis."""
    with gzip.open(sample.PRICES, "rt", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["instrument_id"] == "SPX.US"]
    dates = np.array([row["trade_date"] for row in rows], "datetime64[D]")
    closes = np.array([float(row["close"]) for row in rows])
    made = windows(dates, closes, np.zeros(len(rows)), dates, WINDOW_DAYS)
    enough = made.rows >= min_rows(WINDOW_DAYS)
    return load_registry().numeric("num-regime-scaled-v1").embed(made.features[enough], made.rows[enough])


def scaled(model_id: str) -> ScaledJoin:
    join = load_registry().joint(model_id).join
    assert isinstance(join, ScaledJoin)
    return join


def text_halves(days: int, articles: int) -> Floats:
    """Means of articles about the fitted mean, of which a day's own part and each article's are as large as fitted."""
    fitted, rng = scaled("joint-regime-scaled-v2").text, np.random.default_rng(articles)
    of_days = rng.normal(0, fitted.scale / np.sqrt(DIM), (days, DIM))
    of_articles = rng.normal(0, np.sqrt(fitted.within / articles / DIM), (days, DIM))
    return (fitted.mean + of_days + of_articles).astype(np.float32)


def share_and_norms(model_id: str, numeric: Floats, articles: int) -> tuple[float, Floats]:
    """The text's share of the squared lengths of both halves, and the joint vectors' lengths."""
    join, text, counts = scaled(model_id), text_halves(len(numeric), articles), np.full(len(numeric), articles)
    of_text = np.square(join.text(text, counts, join.text_weight)).sum()
    of_numeric = np.square(join.numeric(numeric, join.numeric_weight)).sum()
    return float(of_text / (of_text + of_numeric)), np.linalg.norm(join(numeric, text, counts), axis=1)


@pytest.mark.parametrize("articles", COUNTS)
def test_its_norm_is_of_order_1_to_30_whatever_the_number_of_articles(numeric_halves: Floats, articles: int) -> None:
    _, norms = share_and_norms("joint-regime-scaled-v2", numeric_halves, articles)
    assert 1 < norms.min() < norms.max() < 30
    assert 3 < np.median(norms) < 6


def test_the_texts_share_is_the_same_whatever_the_number_of_articles(numeric_halves: Floats) -> None:
    shares = [share_and_norms("joint-regime-scaled-v2", numeric_halves, articles)[0] for articles in COUNTS]
    assert max(shares) - min(shares) < 0.02
    assert 0.4 < min(shares) < max(shares) < 0.6
    older = [share_and_norms("joint-regime-scaled-v1", numeric_halves, articles)[0] for articles in COUNTS]
    assert older == sorted(older, reverse=True)
    assert older[0] - older[-1] > 0.3
