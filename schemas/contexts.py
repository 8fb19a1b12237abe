"""What travels on `regimes.contexts` and `regimes.contexts.latest`."""

import datetime as dt
from typing import Annotated, Literal

import msgspec

from schemas.triggers import Definition, Region
from schemas.vectors import Vector


class InstrumentWindow(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument that went into the numeric half: its observed rows in the window and the newest one's date."""

    instrument_id: str
    rows: int
    last_date: dt.date


AbsentReason = Literal["no-price", "insufficient-prices", "no-news"]


class JointRegimeContext(msgspec.Struct, frozen=True, kw_only=True):
    """The joint regime context of a region's day, one revision of it. Key: `region|as_of|model_id|revision`.

    `vector` is null exactly when `absent_reason` is set. `stale` says that no instrument had a price on `as_of`;
    `numeric_last_date` is the newest price's date. `known_at` is the Kafka time of the trigger.
    """

    schema_version: Literal[1] = 1
    event_id: str
    region: Region
    as_of: dt.date
    model_id: str
    revision: int
    trigger_number: int
    closed_at: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    known_at: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    numeric_model_id: str
    text_model_id: str
    definition: Definition
    instruments: tuple[InstrumentWindow, ...]
    numeric_last_date: dt.date | None
    stale: bool
    articles: int
    regime_label: str | None
    regime_confidence: float | None
    inputs_hash: str
    absent_reason: AbsentReason | None
    vector: Vector | None
