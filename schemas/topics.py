"""The topics: the one place that knows a topic's name, what travels on it, how it is keyed and how it is kept."""

from dataclasses import dataclass, field

import msgspec

from schemas.contexts import JointRegimeContext
from schemas.dead_letters import DeadLetter
from schemas.embeddings import NumericWindowEmbedded, TextEmbedded
from schemas.news import NewsArticle
from schemas.prices import PriceClose
from schemas.triggers import DayAmended, RegionDayClosed

MIB = 1024 * 1024
RECORD_MAX_BYTES = MIB
"""The largest record of an input topic; topics accept twice that, dead-letters four times."""
FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
LOG_TIME = {"message.timestamp.type": "LogAppendTime"}
TWO_MIB = {"max.message.bytes": str(2 * MIB)}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic. `key` says in words what its records are keyed by; `configs` is what the broker must hold."""

    name: str
    events: tuple[type[msgspec.Struct], ...]
    key: str
    configs: dict[str, str] = field(default_factory=dict)


PRICES = Topic("prices.closes", (PriceClose,), "instrument_id", FOR_EVER | LOG_TIME | TWO_MIB)
NEWS = Topic("news.articles", (NewsArticle,), "article_id", FOR_EVER | LOG_TIME | TWO_MIB)
DAY_CLOSES = Topic("regions.day-closes", (RegionDayClosed, DayAmended), "region", FOR_EVER | LOG_TIME | TWO_MIB)
NUMERIC = Topic("embeddings.numeric", (NumericWindowEmbedded,), "instrument_id", TWO_MIB)
TEXT = Topic("embeddings.text", (TextEmbedded,), "content_hash", FOR_EVER | TWO_MIB)
CONTEXTS = Topic(
    "regimes.contexts",
    (JointRegimeContext,),
    "region|as_of|model_id|revision, the partition chosen by region",
    FOR_EVER | TWO_MIB,
)
CONTEXTS_LATEST = Topic(
    "regimes.contexts.latest",
    (JointRegimeContext,),
    "region|as_of|model_id, the partition chosen by region",
    {"cleanup.policy": "compact"} | TWO_MIB,
)
DEAD_LETTERS = Topic(
    "dead-letters",
    (DeadLetter,),
    "topic|partition|offset",
    {"retention.ms": "-1", "max.message.bytes": str(4 * MIB)},
)
TOPICS = (PRICES, NEWS, DAY_CLOSES, NUMERIC, TEXT, CONTEXTS, CONTEXTS_LATEST, DEAD_LETTERS)
