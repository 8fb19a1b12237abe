"""Decoding: what no fixture file can hold well, the boundaries, and what a decoded event promises."""

import json
import sys
from typing import Any

import msgspec
import numpy as np
import pytest

from schemas import DAY_TRIGGERS, Codec, DeadLetter, NewsArticle, PriceClose, Rejected, encode
from schemas.codec import ERROR_MAX_CHARACTERS, MAX_DEPTH
from schemas.prices import LARGEST_NUMBER, LEAST_PRICE
from schemas.topics import RECORD_MAX_BYTES

PRICES: Codec[PriceClose] = Codec(PriceClose)
NEWS: Codec[NewsArticle] = Codec(NewsArticle)
CLOSE = {"instrument_id": "SPX.US", "trade_date": "2008-09-15", "close": 1192.7, "volume": 1}


def price(**fields: Any) -> bytes:
    return json.dumps(CLOSE | fields).encode()


def raw_price(member: bytes) -> bytes:
    return price()[:-1] + b"," + member + b"}"


def article(**fields: Any) -> bytes:
    return json.dumps({"article_id": "a", "published_at": "2008-09-15T05:45:30Z"} | fields).encode()


def reason(outcome: object) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.reason


@pytest.mark.parametrize("codec", [PRICES, NEWS, DAY_TRIGGERS])
def test_a_tombstone_is_poison(codec: Codec[Any]) -> None:
    assert reason(codec.decode(None)) == "null-value"


def test_a_missing_version_is_read_as_1_and_written_again_as_1() -> None:
    event = PRICES.decode(price())
    assert isinstance(event, PriceClose)
    assert encode(event).startswith(b'{"schema_version":1,')


def test_unknown_fields_are_ignored_and_not_kept() -> None:
    assert PRICES.decode(price(isin="US78378X1072", nested={"close": [-1]})) == PRICES.decode(price())


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("field", [b"metadata", b"unknown"])
def test_any_depth_of_nesting_is_refused_and_never_raises(opening: bytes, field: bytes) -> None:
    value = raw_price(b'"' + field + b'":{"a":' + opening * 100_000)
    assert reason(PRICES.decode(value)) == "too-deep"


def test_the_depth_that_is_let_in_does_not_depend_on_the_callers_stack() -> None:
    def nested(depth: int) -> bytes:  # the event and its metadata are the first two levels
        return raw_price(b'"metadata":{"a":' + b"[" * (depth - 2) + b"]" * (depth - 2) + b"}")

    def below(frames: int, value: bytes) -> object:
        return below(frames - 1, value) if frames else PRICES.decode(value)

    for frames in (0, sys.getrecursionlimit() // 2):
        assert isinstance(below(frames, nested(MAX_DEPTH)), PriceClose)
        assert reason(below(frames, nested(MAX_DEPTH + 1))) == "too-deep"


def test_brackets_in_strings_and_side_by_side_are_not_depth() -> None:
    flat: list[list[int]] = [[]] * 200
    event = NEWS.decode(article(body='[{"\\' * 500, metadata={"flat": flat}))
    assert isinstance(event, NewsArticle)
    assert event.metadata == {"flat": flat}


def test_a_string_that_never_ends_takes_no_time_worth_naming() -> None:
    value = b'{"a":' + b"[" * 65 + b'"' + b'\\"' * (RECORD_MAX_BYTES // 2 - 100)
    assert reason(PRICES.decode(value)) == "too-deep"
    assert reason(PRICES.decode(b'{"a":"' + b'\\"[' * 300_000 + b"\\")) == "not-json"


@pytest.mark.parametrize("backslashes", [1, 3])
def test_an_escaped_nul_is_refused_wherever_it_stands(backslashes: int) -> None:
    escape = b"\\" * backslashes + b"u0000"
    for member in (b'"currency":"%s"', b'"metadata":{"%s":1}', b'"metadata":{"a":["%s"]}', b'"unknown":"%s"'):
        assert reason(PRICES.decode(raw_price(member % escape))) == "nul-character"


@pytest.mark.parametrize("backslashes", [2, 4])
def test_an_escaped_backslash_before_u0000_is_no_nul(backslashes: int) -> None:
    event = PRICES.decode(raw_price(b'"metadata":{"path":"%su0000"}' % (b"\\" * backslashes)))
    assert isinstance(event, PriceClose)
    assert event.metadata == {"path": "\\" * (backslashes // 2) + "u0000"}


@pytest.mark.parametrize("digits", [19, 20, 30, 4300])
def test_an_integer_in_metadata_is_kept_to_the_last_digit(digits: int) -> None:
    number = b"9" * digits
    event = PRICES.decode(raw_price(b'"metadata":{"a":[%s]}' % number))
    assert isinstance(event, PriceClose)
    assert b"[%s]" % number in encode(event)


def test_an_integer_too_long_for_python_is_refused() -> None:
    assert reason(PRICES.decode(raw_price(b'"metadata":{"a":%s}' % (b"9" * 4301)))) == "invalid"


def test_a_record_of_a_mebibyte_is_let_in_and_not_one_byte_more() -> None:
    largest = article(body="b" * (RECORD_MAX_BYTES - len(article(body=""))))
    assert isinstance(NEWS.decode(largest), NewsArticle)
    assert reason(NEWS.decode(largest + b" ")) == "too-large"


def test_a_dead_letter_holds_a_record_of_two_mebibytes() -> None:
    template = msgspec.json.decode(
        b'{"event_id":"00000000000000000000000000000000","topic":"prices.closes","log_epoch":1,"partition":0,"offset":0,'
        b'"timestamp":"2008-09-15T05:45:30Z","key":null,"reason":"too-large","error":"e","value":""}',
        type=DeadLetter,
    )
    letter = msgspec.structs.replace(template, value=b"\xff" * 2 * RECORD_MAX_BYTES)
    assert Codec[DeadLetter](DeadLetter).decode(encode(letter)) == letter


def test_the_error_names_the_field_and_stays_short() -> None:
    outcome = PRICES.decode(price(close="NaN"))
    assert outcome == Rejected("invalid", "close: expected a number or null, got text")
    long = DAY_TRIGGERS.decode(json.dumps({"type": "x" * 10_000}).encode())
    assert isinstance(long, Rejected)
    assert len(long.error) == ERROR_MAX_CHARACTERS


def test_an_unknown_version_is_named_whatever_else_is_wrong() -> None:
    outcome = PRICES.decode(b'{"symbol":"SPX","schema_version":7}')
    assert outcome == Rejected("unknown-version", "schema_version is 7; known are [1]")


@pytest.mark.parametrize("number", [LEAST_PRICE, LARGEST_NUMBER])
def test_the_bounds_of_prices_keep_a_windows_float32_arithmetic_finite(number: float) -> None:
    event = PRICES.decode(price(close=number, volume=LARGEST_NUMBER))
    assert isinstance(event, PriceClose)
    window = np.tile(np.array([event.close, event.volume, 0.0], dtype=np.float32), 128)
    assert np.isfinite(np.linalg.norm(window))
    assert np.isfinite(np.log(np.float64(np.float32(number)) / number))
