"""Every kind of bad input, made as often as a test wants: no two records have the same bytes."""

import datetime as dt
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.topics import NEWS, PRICES, RECORD_MAX_BYTES
from tests.integration.text_models import QuickModel

BREAKING = "This breaks the model."
FAR = dt.date(2208, 9, 15)


@dataclass(frozen=True, slots=True)
class Bad:
    """A kind of record that cannot be used, and what its dead letter must say."""

    topic: str
    name: str
    reason: str
    error: str
    value: Callable[[int], bytes]
    key: bytes = b"BAD"

    def __str__(self) -> str:
        return f"{self.topic}-{self.name}"


class BreakingModel(QuickModel):
    """It fails on each text that begins as BREAKING."""

    def embed(self, tokens: Any) -> Any:
        """(n, 384)."""
        self.breaking |= {text for ids in tokens if (text := bytes(ids).decode()).startswith(BREAKING)}
        return super().embed(tokens)


def price(number: int, **changed: Any) -> bytes:
    """A price's JSON with fields changed; one that is ... is left out."""
    whole = {"instrument_id": "BAD", "trade_date": "2008-09-15", "close": 1.0, "volume": 1.0}
    return _line(number, whole | changed)


def article(number: int, **changed: Any) -> bytes:
    """An article's JSON with fields changed; one that is ... is left out."""
    whole = {"article_id": "BAD", "published_at": "2008-09-15T16:00:00Z", "headline": "h", "language": "en"}
    return _line(number, whole | changed)


def _line(number: int, fields: dict[str, Any]) -> bytes:
    fields |= {"metadata": {"number": number}}
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def _bad_price(name: str, reason: str, error: str, key: bytes = b"BAD", **changed: Any) -> Bad:
    return Bad(PRICES.name, name, reason, error, lambda number: price(number, **changed), key)


def _bad_article(name: str, reason: str, error: str, key: bytes = b"BAD", **changed: Any) -> Bad:
    return Bad(NEWS.name, name, reason, error, lambda number: article(number, **changed), key)


def _no_json(topic: str) -> Bad:
    return Bad(topic, "no-json", "not-json", "malformed", lambda number: f"no json {number}".encode())


LONG = "x" * 300
LARGE = "x" * RECORD_MAX_BYTES
BAD_PRICES = [
    _no_json(PRICES.name),
    _bad_price("close-missing", "invalid", "close is missing", close=...),
    _bad_price("day-missing", "invalid", "trade_date is missing", trade_date=...),
    _bad_price("nan", "not-json", "NaN is no number in JSON", close=math.nan),
    _bad_price("infinite", "not-json", "Infinity is no number in JSON", close=math.inf),
    _bad_price("negative", "invalid", "close: expected a number >= ", close=-1.0),
    _bad_price("zero", "invalid", "close: expected a number >= ", close=0.0),
    _bad_price("volume-null", "invalid", "volume is missing (0 means unknown)", volume=None),
    _bad_price("date-with-a-time", "invalid", "trade_date: expected a date such as ", trade_date="2008-09-15T16:00:00"),
    _bad_price("id-empty", "invalid", "instrument_id: expected text of length >= 1", b"", instrument_id=""),
    _bad_price(
        "id-of-300-characters",
        "invalid",
        "instrument_id: expected text of length <= 200",
        LONG.encode(),
        instrument_id=LONG,
    ),
    _bad_price("far-future", "future-date", "trade_date is 2208-09-15", trade_date=str(FAR)),
    _bad_price("version-99", "unknown-version", "schema_version is 99", schema_version=99),
]
BAD_ARTICLES = [
    _no_json(NEWS.name),
    _bad_article("id-missing", "invalid", "article_id is missing", article_id=...),
    _bad_article("time-missing", "invalid", "published_at is missing", published_at=...),
    _bad_article(
        "time-naive", "invalid", "published_at: expected a time with an offset", published_at="2008-09-15T16:00:00"
    ),
    _bad_article("text-missing", "invalid", "headline and body are both empty", headline=""),
    _bad_article(
        "headline-of-2001-characters", "invalid", "headline: expected text of length <= 2000", headline="x" * 2001
    ),
    _bad_article("id-empty", "invalid", "article_id: expected text of length >= 1", b"", article_id=""),
    _bad_article(
        "id-of-300-characters", "invalid", "article_id: expected text of length <= 200", LONG.encode(), article_id=LONG
    ),
    _bad_article("over-1-mib", "too-large", "the largest is 1048576", body=LARGE),
    _bad_article("far-future", "future-date", "published_at is 2208-09-15", published_at=f"{FAR}T16:00:00Z"),
    _bad_article("version-99", "unknown-version", "schema_version is 99", schema_version=99),
]
UNENCODABLE = Bad(
    NEWS.name,
    "text-that-breaks-the-model",
    "not-encodable",
    "cannot read",
    lambda number: article(number, headline=f"{BREAKING} {number}"),
)
"""What ingest cannot see."""
EVERY_KIND = [*BAD_PRICES, *BAD_ARTICLES, UNENCODABLE]
