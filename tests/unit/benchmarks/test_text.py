"""The arithmetic of the text benchmark: its documents, its bound, and what it makes of its measurements."""

import json

import numpy as np
import pytest

from benchmarks.texts.bound import Shape, documents_a_second, operations, product_operations
from benchmarks.texts.documents import FULL_TEXTS, HEADLINES, documents, lengths, whole_words
from benchmarks.texts.figures import BOUND, NEW, PEER, REPEATED, THIS, figures
from benchmarks.texts.news import article, half_repeated
from schemas import Codec, NewsArticle

SHAPE = Shape(layers=2, hidden=3, inner=5)
VOCABULARY = ["[CLS]", "the", "##ing", "bank", "1929", "überall", "Bank", "loss", "!"]


def test_the_operations_are_those_of_every_product_of_every_layer() -> None:
    """Multiplications counted one by one: rows x columns x what is summed, two operations each."""
    for tokens in (1, 7):
        projections = 4 * tokens * 3 * 3
        scores_and_sums = 2 * tokens * tokens * 3
        there_and_back = tokens * 3 * 5 + tokens * 5 * 3
        assert operations([tokens], SHAPE) == 2 * 2 * (projections + scores_and_sums + there_and_back)


def test_the_bound_is_the_machines_speed_over_the_documents_operations() -> None:
    tokens = [7, 1, 12]
    assert operations(tokens, SHAPE) == sum(operations([each], SHAPE) for each in tokens)
    seconds = operations(tokens, SHAPE) / 1e6
    assert documents_a_second(tokens, SHAPE, 1e6) == pytest.approx(3 / seconds)
    assert product_operations(10, SHAPE) == 2 * 10 * 3 * 5


def test_documents_are_as_long_as_real_news_and_the_same_every_time() -> None:
    words = whole_words(VOCABULARY)
    assert words.tolist() == ["the", "bank", "loss"]
    made = documents(500, words)
    assert made == documents(500, words)
    tokens = np.array([len(document.split(" ")) + 2 for document in made])
    assert np.median(np.sort(tokens)[:400]) == pytest.approx(np.median(HEADLINES), abs=1)
    assert min(HEADLINES) <= tokens.min() < max(HEADLINES) < 400 < tokens.max() <= max(FULL_TEXTS)
    assert sorted(lengths(500, np.random.default_rng(1))) == sorted(tokens)


def test_an_article_has_the_document_as_its_text() -> None:
    codec: Codec[NewsArticle] = Codec(NewsArticle)
    for document in ("one two three", " ".join(["word"] * 40)):
        key, value = article(3, document)
        event = codec.decode(value)
        assert isinstance(event, NewsArticle)
        assert (key, event.text) == (b"a0000003", document)
        assert json.loads(value)["article_id"] == "a0000003"


def test_half_of_the_repeated_documents_are_new() -> None:
    made = [str(number) for number in range(10)]
    sent = half_repeated(made)
    assert len(sent) == 10
    assert sorted(sent) == sorted(made[::2] * 2)


def test_the_ratios_are_of_the_best_rates() -> None:
    rates = {THIS: [70.0, 90.0], PEER: [60.0, 50.0], BOUND: [95.0, 100.0], NEW: [80.0, 50.0], REPEATED: [120.0, 90.0]}
    found = {each.name: (each.value, each.met) for each in figures(rates, 2e-7)}
    assert found[f"{THIS} / {PEER}"] == (1.5, True)
    assert found[f"{THIS} / {BOUND}"] == (0.9, True)
    assert found["news stage, half repeated / every text new"] == (1.5, None)
    assert found["largest difference of a vector's number"] == (2e-7, True)
