"""What the routes answer with; the OpenAPI document has their schemas."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from schemas import Vector
from stream_app.export.columns import COLUMNS, Kind

PLAIN: dict[Kind, Any] = {
    "text": str,
    "texts": tuple[str, ...],
    "date": dt.date,
    "instant": dt.datetime,
    "integer": int,
    "float64": float,
    "float32": float,
    "flag": bool,
}
ALWAYS = ("region", "as_of", "origin", "model_id")
"""The columns that are never null."""

ContextRow = msgspec.defstruct(
    "ContextRow",
    [
        *(
            (name, PLAIN[column.kind] if name in ALWAYS else PLAIN[column.kind] | None)
            for name, column in COLUMNS.items()
        ),
        ("vector", Vector | None | msgspec.UnsetType, msgspec.UNSET),
    ],
    frozen=True,
    kw_only=True,
    namespace={
        "__doc__": "A day's newest revision, with the columns of `stream-app export`. `vector` is there where it was "
        "asked for, and null where the day has none."
    },
)


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server can answer."""

    ready: bool
    missing: dict[str, str]
    """What it waits for and why."""


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The server lives."""

    alive: bool


class ContextHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A context without its vector and its inputs."""

    model_id: str
    as_of: dt.date
    origin: Literal["live", "backfill"]
    revision: int | None
    known_at: dt.datetime | None
    regime_label: str | None
    regime_confidence: float | None
    stale: bool | None
    absent_reason: str | None
    articles: int | None


class PartitionBehind(msgspec.Struct, frozen=True, kw_only=True):
    """A partition whose records below a day's cut are not all applied."""

    topic: str
    partition: int
    applied: Annotated[int, Meta(description="The first offset that is not applied")]
    cut: Annotated[int, Meta(description="The day's cut")]


class ClosingDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day that closes, and what it waits for."""

    as_of: dt.date
    number: Annotated[int | None, Meta(description="Of its trigger: 1 closes it, more amend it; null: none yet")]
    waits_for: Annotated[str, Meta(description="In a sentence")]
    behind: Sequence[PartitionBehind]


class NextClose(msgspec.Struct, frozen=True, kw_only=True):
    """The next session's close by the exchange's calendar; the day closes once the grace is over."""

    as_of: dt.date
    scheduled: dt.datetime
    closes_at: dt.datetime


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A region, how its days stand, and its newest context of each joint model."""

    region: str
    configured: Annotated[bool, Meta(description="Whether it is in the regions file")]
    calendar: str | None
    instruments: tuple[str, ...]
    state: Literal["open", "closing", "closed"]
    as_of: Annotated[dt.date | None, Meta(description="The last day that closed and was computed")]
    next_close: NextClose | None
    closing: Sequence[ClosingDay]
    closing_total: int
    newest: Sequence[ContextHeader]


class RegionList(msgspec.Struct, frozen=True, kw_only=True):
    """Every region of the regions file and of the database, by name."""

    regions: Sequence[Region]


class ContextPage(msgspec.Struct, frozen=True, kw_only=True):
    """A region's days, one row each."""

    region: str
    model_id: str
    contexts: Sequence[Any]
    next_cursor: str | None


EVERY: tuple[type[msgspec.Struct], ...] = (Health, Alive, RegionList, ContextPage, ContextRow)
