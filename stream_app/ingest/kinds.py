"""What can be ingested: for each kind its topic, its event, and how a cell of a CSV file becomes a field."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import msgspec

from schemas import Codec, NewsArticle, PriceClose
from schemas.topics import NEWS, PRICES, Topic

Event = TypeVar("Event", PriceClose, NewsArticle)
Cell = Callable[[str], Any]

TRUE, FALSE = frozenset({"true", "t", "1", "yes"}), frozenset({"false", "f", "0", "no"})


@dataclass(frozen=True, slots=True)
class Kind(Generic[Event]):
    """One kind of input. `cells` turns the non-empty text of each known column into a value that JSON can hold.

    `needed` are alternatives: of each tuple one column must be there. `key` is the field that a record is keyed by.
    `renamed` are the columns whose field has another name, by column; `absent` is what rows without a field get.
    """

    topic: Topic
    event: type[Event]
    codec: Codec[Event]
    key: str
    cells: Mapping[str, Cell]
    needed: tuple[tuple[str, ...], ...]
    noun: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, Any] = field(default_factory=dict)

    def fields_by_column(self) -> dict[str, str]:
        """Field by column. A column named as a field that another column gives is no field."""
        given = self.renamed.values()
        return {name: name for name in self.cells if name not in given} | dict(self.renamed)


def number(text: str) -> float:
    """A finite number. Raises ValueError, also for what only Python reads as a number, such as 1_000."""
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    return value


def whole_number(text: str) -> int:
    """An integer. Raises ValueError for anything else."""
    if not text.strip().isdecimal():
        raise ValueError("is not a whole number")
    return int(text)


def truth(text: str) -> bool:
    """true or false, however it is usually written. Raises ValueError for anything else."""
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError("is neither true nor false")
    return word in TRUE


def tags(text: str) -> list[str]:
    """The region tags of a cell, separated by | or ;."""
    return [tag for part in text.replace(";", "|").split("|") if (tag := part.strip())]


def json_object(text: str) -> Any:
    """What the JSON text in a cell stands for. Raises ValueError where it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise ValueError("is not JSON") from None


PRICE_CLOSES: Kind[PriceClose] = Kind(
    PRICES,
    PriceClose,
    Codec(PriceClose),
    "instrument_id",
    {
        "schema_version": whole_number,
        "instrument_id": str.strip,
        "trade_date": str.strip,
        "close": number,
        "volume": number,
        "open": number,
        "high": number,
        "low": number,
        "adjusted_close": number,
        "currency": str.strip,
        "metadata": json_object,
        "retracted": truth,
    },
    (("instrument_id",), ("trade_date",), ("close", "retracted"), ("volume", "retracted")),
    "prices",
)
NEWS_ARTICLES: Kind[NewsArticle] = Kind(
    NEWS,
    NewsArticle,
    Codec(NewsArticle),
    "article_id",
    {
        "schema_version": whole_number,
        "article_id": str.strip,
        "published_at": str.strip,
        "headline": str,
        "body": str,
        "language": str.strip,
        "source": str.strip,
        "regions": tags,
        "time_precision": str.strip,
        "metadata": json_object,
        "retracted": truth,
    },
    (("article_id",), ("published_at", "retracted"), ("headline", "body", "retracted")),
    "news",
)


def with_zero_volumes(kind: Kind[PriceClose]) -> Kind[PriceClose]:
    """The kind with 0, which means unknown, for every volume that a row does not have."""
    needed = tuple(choice for choice in kind.needed if "volume" not in choice)
    return replace(kind, needed=needed, absent={"volume": 0.0})
