"""A pipeline in which all is well, of which a test changes what it is about."""

import datetime as dt
from typing import Any

from stream_app.status.facts import (
    ModelFacts,
    PartitionFacts,
    PipelineFacts,
    RegionFacts,
    RegionState,
    StageFacts,
    StoredFacts,
)
from stream_app.store.standing import LastClosed, LastContext

FRIDAY, MONDAY = dt.date(2008, 9, 12), dt.date(2008, 9, 15)
NOW = dt.datetime(2008, 9, 15, 21, 0, tzinfo=dt.UTC)
CLOSED_AT = dt.datetime(2008, 9, 15, 20, 15, tzinfo=dt.UTC)
MADE_AT = CLOSED_AT + dt.timedelta(seconds=2)
TOPICS = {"prices": "prices.closes", "news": "news.articles", "contexts": "regions.day-closes"}


def ago(**span: float) -> dt.datetime:
    """So long before now."""
    return NOW - dt.timedelta(**span)


def stage(name: str, **given: Any) -> StageFacts:
    """A stage that has applied all 20 records of both partitions."""
    partitions = [PartitionFacts(0, 10, 0, 10, 5.0), PartitionFacts(1, 10, 0, 10, 90.0)]
    usual: dict[str, Any] = {"stage": name, "topic": TOPICS[name], "members": 1, "partitions": partitions}
    return StageFacts(**usual | given)


def region(**given: Any) -> RegionFacts:
    """The United States, whose Monday is closed."""
    closed = LastClosed("US", MONDAY, 1, CLOSED_AT, CLOSED_AT)
    usual: dict[str, Any] = {
        "region": "US",
        "state": RegionState.CLOSED,
        "last_closed": closed,
        "next_day": dt.date(2008, 9, 16),
        "next_close": CLOSED_AT + dt.timedelta(days=1),
        "waiting": (),
        "to_amend": 0,
    }
    return RegionFacts(**usual | given)


def stored(**given: Any) -> StoredFacts:
    """What the database knows of it."""
    usual: dict[str, Any] = {
        "regions": [region()],
        "contexts": [LastContext("US", "joint", MONDAY, 1, None, False, CLOSED_AT, MADE_AT, True)],
        "models": [ModelFacts("joint", "joint", True), ModelFacts("text", "text", True)],
        "letters": (),
        "unpublished": (),
        "other_definitions": (),
        "replay_unfinished": False,
    }
    return StoredFacts(**usual | given)


def pipeline(**given: Any) -> PipelineFacts:
    """Everything as it should be."""
    usual: dict[str, Any] = {
        "at": NOW,
        "kafka": None,
        "postgres": None,
        "missing_topics": (),
        "stages": [stage(name) for name in TOPICS],
        "logs": (),
        "stored": stored(),
    }
    return PipelineFacts(**usual | given)
