"""The types and bounds that several events share. What they let in can be stored, computed with and written again."""

import datetime as dt
from typing import Annotated, Any, Literal

from msgspec import Meta

FIRST_YEAR, LAST_YEAR = 1678, 2261
"""The years that a timestamp in nanoseconds holds whole: no arithmetic on a date overflows, in ours or others' code."""
INT32_MAX, INT64_MAX = 2**31 - 1, 2**63 - 1

Version1 = Annotated[
    Literal[1], Meta(description="The event's version; missing means 1", extra_json_schema={"default": 1})
]
Instant = Annotated[dt.datetime, Meta(tz=True, description="RFC 3339 with an offset, in microseconds at most")]
EventId = Annotated[
    str, Meta(pattern="^[0-9a-f]{32}$", max_length=32, description="The same for all copies of an event")
]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="sha256, hexadecimal")]
Count = Annotated[int, Meta(ge=0, le=INT32_MAX)]
Ordinal = Annotated[int, Meta(ge=1, le=INT32_MAX, description="Counted from 1")]
Offset = Annotated[int, Meta(ge=0, le=INT64_MAX)]
ModelId = Annotated[str, Meta(pattern="^[^|]{1,200}$", description="A model's id, e.g. joint-regime-core-v1")]
Fingerprint = Annotated[str, Meta(min_length=1, max_length=200, description="What exactly the model was")]
Metadata = Annotated[dict[str, Any], Meta(description="Whatever the source adds; stored as it is, never computed with")]


def version_1() -> Literal[1]:
    """The default of a version in a struct that omits defaults; a factory's default is written all the same."""
    return 1


def check_year(name: str, day: dt.date) -> None:
    """ValueError unless the date or time `day`, the field `name`, lies in the years 1678 to 2261."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"{name} is outside the years {FIRST_YEAR} to {LAST_YEAR}")
