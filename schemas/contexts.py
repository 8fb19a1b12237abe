"""What travels on `regimes.contexts` and `regimes.contexts.latest`."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.fields import Count, EventId, Fingerprint, Instant, ModelId, Ordinal, Version1, version_1
from schemas.prices import InstrumentId
from schemas.triggers import Definition, Region
from schemas.vectors import Vector


class InstrumentWindow(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument that went into the numeric half: its observed rows in the window and the newest one's date."""

    instrument_id: InstrumentId
    rows: Count
    last_date: dt.date


AbsentReason = Literal["no-price", "insufficient-prices", "no-news"]


class JointRegimeContext(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The joint regime context of a region's day, one revision of it. Key: `region|as_of|model_id|revision`.

    `vector` is null exactly when `absent_reason` is set. `stale` says that no instrument had a price on `as_of`;
    `numeric_last_date` is the newest price's date. `known_at` is the Kafka time of the trigger. `regimes_model_id` and
    `regimes_fingerprint` are those of the fitted regimes that gave the label; without fitted regimes they are left out.
    The newest revision of a (region, as_of, model_id) is current.
    """

    schema_version: Version1 = msgspec.field(default_factory=version_1)
    event_id: EventId
    region: Region
    as_of: dt.date
    model_id: ModelId
    revision: Ordinal
    trigger_number: Ordinal
    closed_at: Instant
    known_at: Instant
    numeric_model_id: ModelId
    text_model_id: ModelId
    definition: Definition
    instruments: tuple[InstrumentWindow, ...]
    numeric_last_date: dt.date | None
    stale: bool
    articles: Count
    regime_label: str | None
    regime_confidence: Annotated[float, Meta(ge=0, le=1)] | None
    inputs_hash: Annotated[str, Meta(min_length=1, description="Differs from the last revision's, or there is none")]
    absent_reason: AbsentReason | None
    vector: Vector | None
    regimes_model_id: ModelId | None = None
    regimes_fingerprint: Fingerprint | None = None

    def __post_init__(self) -> None:
        if (self.vector is None) != (self.absent_reason is not None):
            raise ValueError("a context has either a vector or an absent_reason")
        if (self.regimes_model_id is None) != (self.regimes_fingerprint is None):
            raise ValueError("regimes_model_id and regimes_fingerprint are both there or both left out")
