"""What travels: one versioned event a topic, and the topics themselves. Imports nothing of the product."""

from schemas.codec import DAY_TRIGGERS, Codec, Rejected, encode
from schemas.contexts import AbsentReason, InstrumentWindow, JointRegimeContext
from schemas.dead_letters import DeadLetter, OriginPosition
from schemas.embeddings import NumericWindowEmbedded, TextEmbedded
from schemas.future import FUTURE_MAX_DAYS, too_far_ahead
from schemas.ids import event_id
from schemas.news import NewsArticle
from schemas.prices import PriceClose
from schemas.transitions import RegimeTransition
from schemas.triggers import DayAmended, DayTrigger, Definition, RegionDayClosed, TopicCut, Trigger
from schemas.vectors import DIM, Vector

__all__ = [
    "DAY_TRIGGERS",
    "DIM",
    "FUTURE_MAX_DAYS",
    "AbsentReason",
    "Codec",
    "DayAmended",
    "DayTrigger",
    "DeadLetter",
    "Definition",
    "InstrumentWindow",
    "JointRegimeContext",
    "NewsArticle",
    "NumericWindowEmbedded",
    "OriginPosition",
    "PriceClose",
    "RegimeTransition",
    "RegionDayClosed",
    "Rejected",
    "TextEmbedded",
    "TopicCut",
    "Trigger",
    "Vector",
    "encode",
    "event_id",
    "too_far_ahead",
]
