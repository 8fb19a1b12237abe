"""The packaged sample is what its README says and decodes as the events it stands for."""

import csv
import datetime as dt
import gzip
import math
from collections import Counter
from itertools import pairwise

import msgspec
import pytest

from schemas import Codec, NewsArticle, PriceClose, Rejected
from stream_app.config import load_regions
from stream_app.models import load_registry
from stream_app.sample import MODELS, NEWS, PRICES

FIRST, LAST = dt.date(2006, 1, 1), dt.date(2009, 12, 31)
REGIONS = load_regions()
CRISIS_FIRST, CRISIS_LAST = dt.date(2008, 8, 1), dt.date(2009, 4, 30)
SATURDAY = 5
AFTER_NEW_YORK = dt.time(21, 0)
BEFORE_TOKYO = dt.time(22, 0)


@pytest.fixture(scope="module")
def prices() -> list[PriceClose]:
    with gzip.open(PRICES, "rt", encoding="utf-8", newline="") as file:
        return [msgspec.convert(row, PriceClose, strict=False) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def articles() -> list[NewsArticle]:
    codec: Codec[NewsArticle] = Codec(NewsArticle)
    decoded = [codec.decode(line) for line in NEWS.read_bytes().splitlines()]
    assert [article for article in decoded if isinstance(article, Rejected)] == []
    return [article for article in decoded if isinstance(article, NewsArticle)]


def _published(article: NewsArticle) -> dt.datetime:
    assert article.published_at is not None
    return article.published_at


def test_prices_are_three_indices_over_four_years(prices: list[PriceClose]) -> None:
    assert Counter(price.instrument_id for price in prices) == {"SPX.US": 1007, "DAX.EU": 1015, "N225.JP": 980}
    assert all(FIRST <= price.trade_date <= LAST for price in prices)


def test_prices_ascend_by_date_and_instrument_without_repeats(prices: list[PriceClose]) -> None:
    keys = [(price.trade_date, price.instrument_id) for price in prices]
    assert all(before < after for before, after in pairwise(keys))


def test_closes_and_volumes_are_positive_and_finite(prices: list[PriceClose]) -> None:
    for price in prices:
        assert price.close is not None and math.isfinite(price.close) and price.close > 0
        assert price.volume is not None and math.isfinite(price.volume) and price.volume > 0


def test_an_instrument_has_one_currency(prices: list[PriceClose]) -> None:
    pairs = {(price.instrument_id, price.currency) for price in prices}
    assert pairs == {("SPX.US", "USD"), ("DAX.EU", "EUR"), ("N225.JP", "JPY")}


def test_prices_hold_the_low_of_march_2009(prices: list[PriceClose]) -> None:
    spx = [price for price in prices if price.instrument_id == "SPX.US"]
    lowest = min(spx, key=lambda price: price.close or math.inf)
    assert lowest.trade_date == dt.date(2009, 3, 9)
    assert lowest.close == pytest.approx(676.53, abs=0.005)


def test_prices_are_packed_without_a_time_or_a_name() -> None:
    header = PRICES.read_bytes()[:10]
    assert header[3] == 0, "flags: no file name"
    assert header[4:8] == b"\0\0\0\0", "mtime"


def test_about_three_hundred_articles_with_unique_ids_in_order_of_time(articles: list[NewsArticle]) -> None:
    assert 280 <= len(articles) <= 340
    assert len({article.article_id for article in articles}) == len(articles)
    times = [_published(article) for article in articles]
    assert times == sorted(times)


def test_an_article_id_starts_with_the_utc_date(articles: list[NewsArticle]) -> None:
    for article in articles:
        assert article.article_id.startswith(f"{_published(article):%Y-%m-%d}-")


def test_two_thirds_of_the_articles_are_about_the_crisis(articles: list[NewsArticle]) -> None:
    days = [_published(article).date() for article in articles]
    assert all(FIRST <= day <= LAST for day in days)
    share = sum(CRISIS_FIRST <= day <= CRISIS_LAST for day in days) / len(days)
    assert share == pytest.approx(2 / 3, abs=0.03)


def test_headlines_are_one_short_sentence_and_a_third_have_a_body(articles: list[NewsArticle]) -> None:
    for article in articles:
        assert article.headline is not None
        assert 8 <= len(article.headline.split()) <= 25, article.article_id
    with_body = sum(bool(article.body) for article in articles)
    assert with_body / len(articles) == pytest.approx(1 / 3, abs=0.05)


def test_some_articles_come_on_weekends_after_new_york_and_before_tokyo(articles: list[NewsArticle]) -> None:
    times = [_published(article) for article in articles]
    assert sum(time.weekday() >= SATURDAY for time in times) >= 20
    assert sum(time.time() >= AFTER_NEW_YORK for time in times) >= 20
    assert sum(time.time() >= BEFORE_TOKYO for time in times) >= 5


def test_some_articles_are_tagged_and_some_of_them_by_the_alias_of_a_region(articles: list[NewsArticle]) -> None:
    tags = Counter(tag for article in articles for tag in article.regions)
    assert set(tags) == {"US", "EU", "JP", "UK", "GB"}
    assert 20 <= tags.total() <= 40


def test_what_every_article_shares(articles: list[NewsArticle]) -> None:
    shared = {(article.language, article.source, article.time_precision) for article in articles}
    assert shared == {("en", "stream-app sample", "time")}


def test_each_of_its_indices_has_a_labeller_for_the_models_of_today(prices: list[PriceClose]) -> None:
    registry = load_registry(MODELS)
    labellers = [registry.regimes(model_id) for model_id in registry.of_kind("regimes")]
    assert [labeller.labels for labeller in labellers] == [("CALM", "NORMAL", "STRESSED")] * 3
    regions = [region for labeller in labellers for region in labeller.regions]
    instruments = {name for region in regions for name in REGIONS[region].instruments}
    assert instruments == {price.instrument_id for price in prices}
