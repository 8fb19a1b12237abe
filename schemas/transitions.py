"""What travels on `regimes.transitions`."""

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.fields import EventId, Instant, ModelId, Ordinal, Version1
from schemas.triggers import Region

RegimeLabel = Annotated[str, Meta(min_length=1, max_length=200)]


class RegimeTransition(msgspec.Struct, frozen=True, kw_only=True):
    """A region's day on which the regime's label changes, one revision of it. Key: `region|as_of|model_id|revision`.

    `model_id` is the fitted regimes', `numeric_model_id` that of the vectors which they label; `confidence` is the new
    label's. The newest revision of a (region, as_of, model_id) is current; one that is `withdrawn` says that the day
    changes no label after all, and repeats what it takes back. `known_at` is the Kafka time of the trigger.
    """

    schema_version: Version1 = 1
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
    withdrawn: bool = False

    def __post_init__(self) -> None:
        if self.from_label == self.to_label:
            raise ValueError("a transition is from one label to another")
