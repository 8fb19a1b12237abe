"""What travels on `embeddings.numeric` and `embeddings.text`."""

import datetime as dt

import msgspec

from schemas.fields import Count, EventId, Fingerprint, ModelId, Ordinal, Sha256, Version1
from schemas.news import ArticleId
from schemas.prices import InstrumentId
from schemas.vectors import Vector


class NumericWindowEmbedded(msgspec.Struct, frozen=True, kw_only=True):
    """The numeric window of one instrument as of one day. Key: instrument_id.

    `rows` is how many of the `window_days` rows were observed; the newest event of an (instrument_id, as_of, model_id,
    window_days) is current.
    """

    schema_version: Version1 = 1
    event_id: EventId
    instrument_id: InstrumentId
    as_of: dt.date
    window_days: Ordinal
    rows: Count
    model_id: ModelId
    fingerprint: Fingerprint
    vector: Vector


class TextEmbedded(msgspec.Struct, frozen=True, kw_only=True):
    """The text vector of one article. Key: content_hash (sha256 of the text in UTF-8, hexadecimal)."""

    schema_version: Version1 = 1
    event_id: EventId
    article_id: ArticleId
    content_hash: Sha256
    model_id: ModelId
    fingerprint: Fingerprint
    vector: Vector
