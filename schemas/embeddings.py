"""What travels on `embeddings.numeric` and `embeddings.text`."""

import datetime as dt
from typing import Literal

import msgspec

from schemas.news import ArticleId
from schemas.prices import InstrumentId
from schemas.vectors import Vector


class NumericWindowEmbedded(msgspec.Struct, frozen=True, kw_only=True):
    """The numeric window of one instrument as of one day. Key: instrument_id."""

    schema_version: Literal[1] = 1
    event_id: str
    instrument_id: InstrumentId
    as_of: dt.date
    window_days: int
    rows: int
    model_id: str
    fingerprint: str
    vector: Vector


class TextEmbedded(msgspec.Struct, frozen=True, kw_only=True):
    """The text vector of one article. Key: content_hash (sha256 of the text in UTF-8, hexadecimal)."""

    schema_version: Literal[1] = 1
    event_id: str
    article_id: ArticleId
    content_hash: str
    model_id: str
    fingerprint: str
    vector: Vector
