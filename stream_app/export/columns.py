"""What an export tells of a day beside its vector: the columns, their kinds, and a chunk's values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stream_app.regime.joint import l2_norm
from stream_app.store.exported import DayChunk, ExportedDay

Kind = Literal["text", "texts", "date", "instant", "integer", "float64", "float32", "flag"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's kind, and where its value comes from; None stands for what is not known."""

    kind: Kind
    of: Callable[[ExportedDay], Any]


def _told(kind: Kind, field: str) -> Column:
    """A field of the day's context."""
    return Column(kind, lambda day: None if day.context is None else getattr(day.context, field))


def _instruments(day: ExportedDay) -> tuple[str, ...] | None:
    return None if day.context is None else tuple(window.instrument_id for window in day.context.instruments)


COLUMNS: Mapping[str, Column] = {
    "region": Column("text", lambda day: day.region),
    "as_of": Column("date", lambda day: day.as_of),
    "origin": Column("text", lambda day: day.origin),
    "revision": _told("integer", "revision"),
    "known_at": _told("instant", "known_at"),
    "closed_at": _told("instant", "closed_at"),
    "model_id": Column("text", lambda day: day.model_id),
    "numeric_model_id": Column("text", lambda day: day.numeric_model_id),
    "text_model_id": Column("text", lambda day: day.text_model_id),
    "regime_label": _told("text", "regime_label"),
    "regime_confidence": _told("float64", "regime_confidence"),
    "regimes_model_id": _told("text", "regimes_model_id"),
    "stale": _told("flag", "stale"),
    "absent_reason": _told("text", "absent_reason"),
    "articles": _told("integer", "articles"),
    "numeric_last_date": _told("date", "numeric_last_date"),
    "instruments": Column("texts", _instruments),
    "l2_norm": Column("float32", lambda day: None if day.vector is None else float(l2_norm(day.vector))),
}
"""The columns in their order; the vector follows."""


def values(chunk: DayChunk) -> dict[str, list[Any]]:
    """A chunk's values by column."""
    return {name: [column.of(day) for day in chunk.days] for name, column in COLUMNS.items()}
