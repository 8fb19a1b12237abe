"""What is known of the pipeline at one moment. Pure: no Kafka, no database."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from stream_app.store.progress import Behind
from stream_app.store.standing import LastClosed


class RegionState(StrEnum):
    """What a region is doing now."""

    OPEN = "open"
    """The next day's session is under way."""
    CLOSING = "closing"
    """A day's close is past, or it is amended, and its context is still to come."""
    CLOSED = "closed"
    """Every day that is over has its context, and the next session has not begun."""


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

    `since`: when it was due, made or known; `until`: when a price is waited for no longer; `behind`: the partitions
    that are not applied up to its cut, topics named as on the wire. `number` is its trigger's (1: it closes, above: it
    is amended; None: it has none), `days` counts triggers where there are some.
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
    """How far a partition is applied (None: never seen, or Postgres is away) and where it ends (None: Kafka is away).

    `still_seconds`: since when it has not moved. `oldest_at`: the Kafka time of the first record that is not applied,
    looked up only where nothing has moved for long.
    """

    partition: int
    applied: int | None
    end: int | None
    still_seconds: float | None = None
    oldest_at: dt.datetime | None = None

    @property
    def lag(self) -> int | None:
        """How many offsets are not applied; None: not known."""
        return None if self.end is None else max(0, self.end - (self.applied or 0))


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
        return sum(known) if len(known) == len(lags) else None
