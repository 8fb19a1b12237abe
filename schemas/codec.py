"""Bytes to events and back. `decode` never raises for bad input: it returns a Rejected."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from schemas.triggers import DayTrigger

Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a record cannot be used: a short code and the sentence behind it."""

    reason: str
    error: str


class Codec(Generic[Event]):
    """Decodes one kind of event, or a tagged union of them, from JSON."""

    def __init__(self, kind: Any) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, value: bytes | None) -> Event | Rejected:
        """The event in `value`, or why it is none: `null-value`, `not-json` or `invalid`."""
        if value is None:
            return Rejected("null-value", "the record has no value")
        try:
            event: Event = self._decoder.decode(value)
        except msgspec.ValidationError as error:
            return Rejected("invalid", str(error))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Rejected("not-json", str(error))
        return event


DAY_TRIGGERS: Codec[DayTrigger] = Codec(DayTrigger)

encode = msgspec.json.Encoder(order="deterministic").encode
"""An event's bytes; the same event always gives the same bytes."""
