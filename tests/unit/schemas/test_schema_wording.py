"""What is wrong with a value is said in words, the field first."""

import msgspec
import pytest

from schemas import DAY_TRIGGERS, Codec, NewsArticle, PriceClose, Rejected
from schemas.wording import in_words

PRICES: Codec[PriceClose] = Codec(PriceClose)
NEWS: Codec[NewsArticle] = Codec(NewsArticle)
PRICE = {"instrument_id": "A", "trade_date": "2008-09-15", "close": 1.0, "volume": 1.0}
ARTICLE = {"article_id": "a", "published_at": "2008-09-15T16:00:00Z", "headline": "h"}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"close": "1"}, "close: expected a number or null, got text"),
        ({"close": -1.0}, "close: expected a number >= 1e-30"),
        ({"retracted": 1}, "retracted: expected true or false, got a whole number"),
        ({"trade_date": "31.1.2024"}, "trade_date: expected a date such as 2024-01-31"),
        ({"trade_date": "1024-01-31"}, "trade_date is outside the years 1678 to 2261"),
        ({"instrument_id": ""}, "instrument_id: expected text of length >= 1"),
        ({"metadata": []}, "metadata: expected an object or null, got a list"),
    ],
)
def test_a_price(changed: dict[str, object], error: str) -> None:
    assert PRICES.decode(msgspec.json.encode(PRICE | changed)) == Rejected("invalid", error)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        (
            {"published_at": "2008-09-15T16:00:00"},
            "published_at: expected a time with an offset, such as 2024-01-31T16:00:00Z",
        ),
        ({"published_at": "noon"}, "published_at: expected a time with an offset, such as 2024-01-31T16:00:00Z"),
        ({"regions": [""]}, "regions[0]: expected text of length >= 1"),
        ({"time_precision": "day"}, "time_precision: invalid enum value 'day'"),
        ({"headline": None}, "headline and body are both empty"),
    ],
)
def test_an_article(changed: dict[str, object], error: str) -> None:
    assert NEWS.decode(msgspec.json.encode(ARTICLE | changed)) == Rejected("invalid", error)


def test_what_is_missing_is_named_wherever_it_is() -> None:
    assert PRICES.decode(b"{}") == Rejected("invalid", "instrument_id is missing")
    inside = DAY_TRIGGERS.decode(b'{"type":"day_amended","cut":{"a":{"epoch":1}}}')
    assert inside == Rejected("invalid", "cut[...].offsets is missing")


def test_what_is_no_object_is_said_without_a_field() -> None:
    assert PRICES.decode(b"[]") == Rejected("invalid", "Expected an object, got a list")
    assert in_words("another message") == "another message"


@pytest.mark.parametrize(("number", "name"), [(b"NaN", "NaN"), (b"Infinity", "Infinity"), (b"-Infinity", "Infinity")])
def test_numbers_that_json_does_not_know_are_named_with_their_place(number: bytes, name: str) -> None:
    found = PRICES.decode(b'{"close":' + number + b"}")
    assert found == Rejected("not-json", f"{name} is no number in JSON (byte {9 + len(number) - len(name)})")
