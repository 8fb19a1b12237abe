"""What travels on `regions.day-closes`: the triggers of which every context is a pure function."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.fields import INT32_MAX, Count, EventId, Instant, Offset, Ordinal, Version1, check_year
from schemas.prices import InstrumentId

Region = Annotated[str, Meta(pattern="^[^|]{1,64}$", description="A region's name, e.g. US; no | in it")]


class TopicCut(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an input topic: the first offset above the cut, by partition. Records of a lower epoch are below."""

    epoch: Count
    offsets: tuple[Offset, ...]


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What the region was when its day first closed."""

    calendar: str
    instruments: tuple[InstrumentId, ...]
    languages: tuple[str, ...]
    news: Literal["all", "tagged"]
    news_day: Literal["utc_date", "session"]


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """What RegionDayClosed and DayAmended share. Key: region. `number` counts a day's triggers from 1.

    `cut` is by topic name as on the wire, with the prefix. `allow_stale` lets a day without any price of its own have a
    vector. `as_of` and `closed_at` lie in the years 1678 to 2261.
    """

    schema_version: Version1 = 1
    event_id: EventId
    region: Region
    as_of: dt.date
    number: Ordinal
    closed_at: Instant
    cut: dict[str, TopicCut]
    definition: Definition
    allow_stale: bool

    def __post_init__(self) -> None:
        check_year("as_of", self.as_of)
        check_year("closed_at", self.closed_at)


class RegionDayClosed(Trigger, frozen=True, kw_only=True, tag_field="type", tag="region_day_closed"):
    """A region's day closes, once: number is 1."""

    number: Annotated[int, Meta(ge=1, le=1)]


class DayAmended(Trigger, frozen=True, kw_only=True, tag_field="type", tag="day_amended"):
    """A closed day gets a new cut because data below no earlier cut touched it: number is 2 or more."""

    number: Annotated[int, Meta(ge=2, le=INT32_MAX)]


DayTrigger = RegionDayClosed | DayAmended
