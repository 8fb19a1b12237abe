"""What travels on `regions.day-closes`: the triggers of which every context is a pure function."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Region = Annotated[str, Meta(min_length=1, max_length=64)]


class TopicCut(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an input topic: the first offset above the cut, by partition. Records of a lower epoch are below."""

    epoch: int
    offsets: tuple[int, ...]


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What the region was when its day first closed."""

    calendar: str
    instruments: tuple[str, ...]
    languages: tuple[str, ...]
    news: Literal["all", "tagged"]
    news_day: Literal["utc_date", "session"]


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """What RegionDayClosed and DayAmended share. Key: region. `number` counts a day's triggers from 1."""

    schema_version: Literal[1] = 1
    event_id: str
    region: Region
    as_of: dt.date
    number: Annotated[int, Meta(ge=1)]
    closed_at: Annotated[dt.datetime, Meta(tz=True)]
    cut: dict[str, TopicCut]
    definition: Definition
    allow_stale: bool


class RegionDayClosed(Trigger, frozen=True, kw_only=True, tag_field="type", tag="region_day_closed"):
    """A region's day closes, once: number is 1."""


class DayAmended(Trigger, frozen=True, kw_only=True, tag_field="type", tag="day_amended"):
    """A closed day gets a new cut because data below no earlier cut touched it: number is 2 or more."""


DayTrigger = RegionDayClosed | DayAmended
