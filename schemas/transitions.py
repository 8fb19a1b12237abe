"""What travels on `regimes.transitions`."""

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.fields import EventId, Fingerprint, Instant, ModelId, Ordinal, Version1, version_1
from schemas.triggers import Region

RegimeLabel = Annotated[str, Meta(min_length=1, max_length=200)]


class RegimeTransition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A region's day on which the regime's label changes, one revision of it. Key: `region|as_of|model_id|revision`.

    `model_id` is the fitted regimes' with their `fingerprint`, `numeric_model_id` that of the vectors which they label;
    `confidence` is the new label's. The newest revision of a (region, as_of, model_id) is current; one that is
    `withdrawn` says that the day changes no label after all, and repeats what it takes back. `known_at` is the Kafka
    time of the trigger.
    """

    schema_version: Version1 = msgspec.field(default_factory=version_1)
    event_id: EventId
    region: Region
    as_of: dt.date
    model_id: ModelId
    revision: Ordinal
    trigger_number: Ordinal
    known_at: Instant
    numeric_model_id: ModelId
    from_label: RegimeLabel
    to_label: RegimeLabel
    confidence: Annotated[float, Meta(ge=0, le=1)]
    withdrawn: Annotated[bool, Meta(extra_json_schema={"default": False})] = msgspec.field(default_factory=bool)
    fingerprint: Fingerprint | None = None

    def __post_init__(self) -> None:
        if self.from_label == self.to_label:
            raise ValueError("a transition is from one label to another")
