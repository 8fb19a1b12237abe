"""What is told of regions."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from stream_app.web.answers.contexts import ContextHeader

State = Literal["open", "closing", "closed"]


class PartitionBehind(msgspec.Struct, frozen=True, kw_only=True):
    """A partition whose records below a day's cut are not all applied."""

    topic: str
    partition: int
    applied: Annotated[int, Meta(description="The first offset that is not applied")]
    cut: Annotated[int, Meta(description="The first offset above the day's cut")]


class ClosingDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day that is being closed or amended, or that waits for its price, and what it waits for."""

    as_of: dt.date
    number: Annotated[int | None, Meta(description="Of its trigger: 1 closes it, others amend it; null: none yet")]
    waits_for: str
    until: Annotated[dt.datetime | None, Meta(description="When it goes on without, where it does")]
    behind: Sequence[PartitionBehind]


class NextClose(msgspec.Struct, frozen=True, kw_only=True):
    """The next session's close by the exchange's calendar; the day closes when the region's grace is over."""

    as_of: dt.date
    scheduled: dt.datetime
    closes_at: dt.datetime


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A region, how its days stand, and its newest context of each joint model.

    `state`: closing while a day is being closed or amended or waits for its price, else open while the exchange is,
    else closed.
    """

    region: str
    configured: Annotated[bool, Meta(description="Whether it is in the regions file")]
    calendar: str | None
    instruments: tuple[str, ...]
    languages: tuple[str, ...]
    state: State
    as_of: Annotated[dt.date | None, Meta(description="The newest day that has a context, or none for a reason")]
    next_close: NextClose | None
    closing: Annotated[Sequence[ClosingDay], Meta(description="The first ones")]
    closing_total: int
    newest: Sequence[ContextHeader]


class RegionList(msgspec.Struct, frozen=True, kw_only=True):
    """Every region of the regions file and of the database, by name."""

    regions: Sequence[Region]
