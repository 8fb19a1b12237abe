"""What is told of contexts."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas import AbsentReason, Definition, Vector
from stream_app.store.exported import ExportedDay

Origin = Literal["live", "backfill"]
Reason = Literal["close", "amendment", "replay"]


class ContextRow(msgspec.Struct, frozen=True, kw_only=True):
    """A day by its newest revision, with the columns of `stream-app export`.

    Of a day that a seed command filled in (`origin` is backfill) most is not known. `vector` is there where it was
    asked for, and null where the day has none.
    """

    region: str
    as_of: dt.date
    origin: Origin
    revision: int | None
    known_at: dt.datetime | None
    closed_at: dt.datetime | None
    model_id: str
    numeric_model_id: str | None
    text_model_id: str | None
    regime_label: str | None
    regime_confidence: float | None
    regimes_model_id: str | None
    stale: bool | None
    absent_reason: AbsentReason | None
    articles: int | None
    numeric_last_date: dt.date | None
    instruments: tuple[str, ...] | None
    l2_norm: float | None
    vector: Vector | UnsetType | None = UNSET


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer as of `known_at` cannot tell of, among the days asked for."""

    filled_in: Annotated[int, Meta(description="Days that a seed command filled in: when they were known is not noted")]
    waiting: Annotated[int, Meta(description="Days closed or amended by then whose context is still to be computed")]
    earliest: Annotated[dt.datetime | None, Meta(description="When the first of all was known")]


class ContextPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a region's days, in the order asked for. `next_cursor` is null on the last page."""

    region: str
    model_id: str
    known_at: dt.datetime | None
    contexts: Sequence[ContextRow]
    next_cursor: str | None
    left_out: Annotated[LeftOut | None, Meta(description="With known_at, on the first page")]


class ContextHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A revision without its vector and its inputs."""

    region: str
    as_of: dt.date
    model_id: str
    origin: Origin
    revision: int | None
    known_at: dt.datetime | None
    closed_at: dt.datetime | None
    regime_label: str | None
    regime_confidence: float | None
    stale: bool | None
    absent_reason: AbsentReason | None
    articles: int | None
    numeric_last_date: dt.date | None

    @classmethod
    def of(cls, day: ExportedDay) -> "ContextHeader":
        """The header of a day's newest revision."""
        names = [name for name in cls.__struct_fields__ if name not in {"region", "as_of", "model_id", "origin"}]
        told = {name: getattr(day.context, name, None) for name in names}
        return cls(region=day.region, as_of=day.as_of, model_id=day.model_id, origin=day.origin, **told)


class TopicOffsets(msgspec.Struct, frozen=True, kw_only=True):
    """Where a topic was cut: the first offset above the cut by partition, of the log's epoch."""

    topic: str
    epoch: int
    offsets: tuple[int, ...]


class TriggerTold(msgspec.Struct, frozen=True, kw_only=True):
    """What made the revision: a close, or an amendment, and which records it could know."""

    event_id: str
    number: int
    kind: Literal["close", "amendment"]
    closed_at: dt.datetime
    known_at: dt.datetime | None
    allow_stale: bool
    cut: Sequence[TopicOffsets]
    definition: Definition


class WindowTold(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument's window: how many rows it has, and the dates of these rows as they stood at the cut."""

    instrument_id: str
    rows: int
    last_date: dt.date
    dates: Annotated[Sequence[dt.date] | None, Meta(description="Null beyond the first instruments of many")]


class NumericHalf(msgspec.Struct, frozen=True, kw_only=True):
    """What the numeric half was computed from."""

    last_date: dt.date | None
    instruments: Sequence[WindowTold]
    instruments_total: int


class ArticleTold(msgspec.Struct, frozen=True, kw_only=True):
    """An article as it stood at the cut; without a headline the beginning of its body."""

    article_id: str
    headline: str | None
    source: str | None
    published_at: dt.datetime
    language: str | None
    url: Annotated[str | None, Meta(description="Its metadata's `url`, where that is one")]


class TextHalf(msgspec.Struct, frozen=True, kw_only=True):
    """The articles that the text half was computed from, by article_id."""

    total: int
    articles: Sequence[ArticleTold]
    next_cursor: Annotated[str | None, Meta(description="For articles_cursor")]


class ModelPrint(msgspec.Struct, frozen=True, kw_only=True):
    """A model and the fingerprint that its vectors in this database depend on."""

    model_id: str
    kind: str
    fingerprint: str


class RevisionTold(msgspec.Struct, frozen=True, kw_only=True):
    """A revision of the day. `reason`: its first trigger closed the day, a later one amended it, or a replay computed
    a trigger again."""

    revision: int
    trigger_number: int
    reason: Reason
    known_at: dt.datetime
    stored_at: dt.datetime
    inputs_hash: str
    absent_reason: AbsentReason | None
    stale: bool


class ContextDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A day's newest revision with where it comes from; of a day that a seed command filled in only the models."""

    context: ContextRow
    trigger: TriggerTold | None
    numeric: NumericHalf | None
    text: TextHalf | None
    models: Sequence[ModelPrint]
    revisions: Annotated[Sequence[RevisionTold], Meta(description="The newest first")]
