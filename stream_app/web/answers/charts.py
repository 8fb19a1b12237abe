"""What is told of many days at once: columns for charts, and days alike."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A region's days, ascending, as columns of the same length."""

    region: str
    model_id: str
    instrument_id: Annotated[str | None, Meta(description="Whose closes the prices are: the region's first one")]
    truncated: Annotated[bool, Meta(description="There are older days than these, which are the newest")]
    as_of: Sequence[dt.date]
    label: Sequence[str | None]
    confidence: Sequence[float | None]
    distance: Annotated[
        Sequence[float | None], Meta(description="1 - cosine to the last earlier day here that has a vector")
    ]
    price: Annotated[Sequence[float | None], Meta(description="The day's close, as it is known now")]
    articles: Sequence[int | None]


class DayMap(msgspec.Struct, frozen=True, kw_only=True):
    """The days that have a vector, ascending, on the two axes in which they differ most, every vector at length 1."""

    region: str
    model_id: str
    truncated: Annotated[bool, Meta(description="There are older days than these, which are the newest")]
    explained: Annotated[
        Sequence[float], Meta(min_length=2, max_length=2, description="The share of the variance that each axis holds")
    ]
    as_of: Sequence[dt.date]
    x: Sequence[float]
    y: Sequence[float]
    label: Sequence[str | None]


class FollowedTold(msgspec.Struct, frozen=True, kw_only=True):
    """What came over the horizon's sessions after a day, of its region's first instrument; fractions, not percent."""

    instrument_id: str
    last_date: dt.date
    simple_return: float
    volatility: Annotated[float, Meta(description="Realised, of a year")]


class Analogue(msgspec.Struct, frozen=True, kw_only=True):
    """A day alike. `followed` is null where not all of the horizon is stored, or known by the day asked for."""

    region: str
    as_of: dt.date
    similarity: Annotated[float, Meta(description="The cosine of the two days' newest vectors")]
    followed: FollowedTold | None


class AnalogueList(msgspec.Struct, frozen=True, kw_only=True):
    """The days most alike to a day, the most alike first."""

    region: str
    as_of: dt.date
    model_id: str
    min_gap_days: int
    look_ahead: bool
    horizon_sessions: int
    analogues: Sequence[Analogue]
