"""The topics: the one place that knows a topic's name, what travels on it, how it is keyed and how it is kept."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.contexts import JointRegimeContext
from schemas.dead_letters import DeadLetter
from schemas.embeddings import NumericWindowEmbedded, TextEmbedded
from schemas.news import NewsArticle
from schemas.prices import PriceClose
from schemas.transitions import RegimeTransition
from schemas.triggers import DayAmended, RegionDayClosed

DEFAULT_PARTITIONS = 8
MIB = 1024 * 1024
RECORD_MAX_BYTES = MIB
"""The largest record of an input topic; topics accept twice that, dead-letters four times."""
DEAD_LETTER_MAX_BYTES = 4 * MIB
DELETE = {"cleanup.policy": "delete"}
FOR_EVER = DELETE | {"retention.ms": "-1", "retention.bytes": "-1"}
LOG_TIME = {"message.timestamp.type": "LogAppendTime"}
TWO_MIB = {"max.message.bytes": str(2 * MIB)}

PRODUCERS, CONSUMERS = "your producers", "your consumers"
"""Who writes and reads besides the application."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic. `key` says in words what its records are keyed by; `configs` is what the broker must hold.

    `writers` and `readers` name the application's stages and commands, and PRODUCERS and CONSUMERS outside it.
    """

    name: str
    events: tuple[type[msgspec.Struct], ...]
    key: str
    configs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


PRICES = Topic(
    "prices.closes",
    (PriceClose,),
    "instrument_id",
    FOR_EVER | LOG_TIME | TWO_MIB,
    "Daily closes and volumes, and their corrections and retractions.",
    (PRODUCERS, "stream-app ingest prices"),
    ("prices stage",),
)
NEWS = Topic(
    "news.articles",
    (NewsArticle,),
    "article_id",
    FOR_EVER | LOG_TIME | TWO_MIB,
    "News articles, and their corrections and retractions.",
    (PRODUCERS, "stream-app ingest news"),
    ("news stage",),
)
DAY_CLOSES = Topic(
    "regions.day-closes",
    (RegionDayClosed, DayAmended),
    "region",
    FOR_EVER | LOG_TIME | TWO_MIB,
    "The triggers: a region's day closes, or is amended. Every context is a pure function of its trigger.",
    ("contexts stage", "stream-app close", "stream-app ingest --close-days"),
    ("contexts stage",),
)
NUMERIC = Topic(
    "embeddings.numeric",
    (NumericWindowEmbedded,),
    "instrument_id",
    DELETE | TWO_MIB,
    "The numeric window of an instrument as of a recent day. Kept as long as the broker keeps topics by default.",
    ("prices stage",),
    (CONSUMERS,),
)
TEXT = Topic(
    "embeddings.text",
    (TextEmbedded,),
    "content_hash",
    FOR_EVER | TWO_MIB,
    "The text vector of an article; an emptied database is refilled from here.",
    ("news stage",),
    ("news stage", CONSUMERS),
)
CONTEXTS = Topic(
    "regimes.contexts",
    (JointRegimeContext,),
    "region|as_of|model_id|revision, the partition chosen by region",
    FOR_EVER | TWO_MIB,
    "Every revision of every joint regime context, in order by region.",
    ("contexts stage",),
    (CONSUMERS,),
)
CONTEXTS_LATEST = Topic(
    "regimes.contexts.latest",
    (JointRegimeContext,),
    "region|as_of|model_id, the partition chosen by region",
    {"cleanup.policy": "compact"} | TWO_MIB,
    "The newest revision of every joint regime context.",
    ("contexts stage",),
    (CONSUMERS,),
)
TRANSITIONS = Topic(
    "regimes.transitions",
    (RegimeTransition,),
    "region|as_of|model_id|revision, the partition chosen by region",
    FOR_EVER | TWO_MIB,
    "Days on which a region's regime label changes, and those that turn out not to; none where no regimes are fitted.",
    ("contexts stage",),
    (CONSUMERS,),
)
DEAD_LETTERS = Topic(
    "dead-letters",
    (DeadLetter,),
    "topic|partition|offset",
    FOR_EVER | {"max.message.bytes": str(DEAD_LETTER_MAX_BYTES)},
    "Records that could not be used, with their bytes, origin and error.",
    ("prices stage", "news stage", "contexts stage"),
    (CONSUMERS,),
)
TOPICS = (PRICES, NEWS, DAY_CLOSES, NUMERIC, TEXT, CONTEXTS, CONTEXTS_LATEST, TRANSITIONS, DEAD_LETTERS)


def record_max_bytes(kind: Any) -> int:
    """The largest value in bytes of an event of the struct (or union of structs) `kind`."""
    return DEAD_LETTER_MAX_BYTES if kind is DeadLetter else RECORD_MAX_BYTES
