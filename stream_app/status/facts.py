"""What is known of the pipeline at one moment. Pure: no Kafka, no database."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from stream_app.positions.findings import Finding
from stream_app.store.definitions import OtherDefinition
from stream_app.store.progress import Behind
from stream_app.store.standing import LastClosed, LastContext, Unpublished

STILL_SECONDS = 60.0
"""A partition that has not moved for so long, though it is behind, stands still."""


class RegionState(StrEnum):
    """What a region is doing now."""

    OPEN = "open"
    """The exchange is open."""
    CLOSING = "closing"
    """A day's close is past, or it is amended, and its context is still to come."""
    CLOSED = "closed"
    """It is not, and every day that is over has its context."""


class WaitsFor(StrEnum):
    """What a day's context waits for."""

    CLOSER = "closer"
    """The day is due and has no trigger: a worker makes one."""
    CUT = "cut"
    """Its trigger has no cut yet: a worker reads where Kafka's topics end."""
    LOG = "log"
    """Its trigger has not come back from `regions.day-closes`."""
    RECORDS = "records"
    """Partitions are not applied up to its cut."""
    COMPUTING = "computing"
    """Everything that it is made of is there: a worker computes it."""
    PRICE = "price"
    """No instrument has a price of the day: one may come until a deadline, then older prices are used."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Days of a region that wait. `as_of` is the one whose turn is next, and what it waits for is told here.

    `number` is that of its trigger which is to be computed (1: it closes, above: it is amended; None: there is none),
    `days` counts triggers where there are some. `since`: when it was due, made or known; `until`: when a price is
    waited for no longer. `behind`: the partitions not applied up to its cut, topics named without their prefix.
    """

    waits_for: WaitsFor
    as_of: dt.date
    number: int | None
    days: int
    since: dt.datetime
    until: dt.datetime | None = None
    behind: Sequence[Behind] = ()


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """One region. `next_close` is the scheduled close of `next_day` plus grace (None: the calendar ends).

    `to_amend`: how many days late records have touched that are not amended yet.
    """

    region: str
    state: RegionState
    last_closed: LastClosed | None
    next_day: dt.date | None
    next_close: dt.datetime | None
    waiting: Sequence[Waiting]
    to_amend: int


@dataclass(frozen=True, slots=True)
class PartitionFacts:
    """How far a partition is applied (0: never seen, None: Postgres is away), and where its log starts and ends (None:
    it has none, or Kafka is away).

    `still_seconds`: for how long it has not moved. `oldest_at`: the Kafka time of the first record that is not applied,
    looked up only where nothing has moved for long.
    """

    partition: int
    applied: int | None
    start: int | None
    end: int | None
    still_seconds: float | None = None
    oldest_at: dt.datetime | None = None

    @property
    def lag(self) -> int | None:
        """How many offsets are not applied; None: not known."""
        if self.applied is None or self.end is None:
            return None
        return max(0, self.end - max(self.applied, self.start or 0))


@dataclass(frozen=True, slots=True)
class StageFacts:
    """One stage and its topic, named without its prefix. `members`: of its consumer group (None: Kafka is away)."""

    stage: str
    topic: str
    members: int | None
    partitions: Sequence[PartitionFacts]

    @property
    def lag(self) -> int | None:
        """How many records are not applied, control records among them; None: not known."""
        lags = [partition.lag for partition in self.partitions]
        known = [lag for lag in lags if lag is not None]
        return sum(known) if lags and len(known) == len(lags) else None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model in use. `changed`: its id stands for another one in the database.

    `days_without`: of a joint model, the days that were computed and have no context of it.
    """

    model_id: str
    kind: str
    registered: bool
    changed: bool = False
    days_without: int = 0


@dataclass(frozen=True, slots=True)
class CountedLetters:
    """How many dead letters there are of a topic (named without its prefix) and a reason."""

    topic: str
    reason: str
    letters: int


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """What the database knows.

    `letters`: the dead letters that nobody has sent again or discarded. `other_definitions`: the days computed under
    another one than today's.
    """

    regions: Sequence[RegionFacts]
    contexts: Sequence[LastContext]
    models: Sequence[ModelFacts]
    letters: Sequence[CountedLetters]
    unpublished: Sequence[Unpublished]
    other_definitions: Sequence[OtherDefinition]
    replay_unfinished: bool

    @property
    def last_close(self) -> LastClosed | None:
        """The trigger that the log made known last, of those that are computed."""
        closed = [region.last_closed for region in self.regions if region.last_closed is not None]
        return max(closed, key=lambda each: each.known_at, default=None)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why a service could not be asked, a sentence. `away`: it may answer later; else the sentence says what to do."""

    reason: str
    away: bool


@dataclass(frozen=True, slots=True)
class PipelineFacts:
    """Everything, as of `at`. What could not be asked is None, and `kafka` and `postgres` say why (None: they answer).

    `logs`: where a topic is not the log that this database was filled from, judged by offsets alone.
    """

    at: dt.datetime
    kafka: Unanswered | None
    postgres: Unanswered | None
    missing_topics: Sequence[str]
    stages: Sequence[StageFacts]
    logs: Sequence[Finding]
    stored: StoredFacts | None
