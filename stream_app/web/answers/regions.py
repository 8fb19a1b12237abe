"""What is told of regions."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from stream_app.config import RegionConfig
from stream_app.status.facts import RegionFacts, RegionState, Waiting, WaitsFor
from stream_app.status.telling import waiting_told
from stream_app.store.progress import Behind
from stream_app.store.standing import LastClosed
from stream_app.web.answers.contexts import ContextHeader

SHOWN_PARTITIONS = 32


class WaitingTold(msgspec.Struct, frozen=True, kw_only=True):
    """Days of a region whose context, or a better one, is still to come. `as_of` is the one whose turn is next."""

    waits_for: WaitsFor
    as_of: dt.date
    number: Annotated[int | None, Meta(description="Of its trigger: 1 closes it, others amend it; null: none yet")]
    days: Annotated[int, Meta(description="How many wait; closes and amendments count each")]
    since: dt.datetime
    until: Annotated[dt.datetime | None, Meta(description="When it goes on without a price")]
    behind: Annotated[
        Sequence[Behind], Meta(description="The first partitions that are applied below the day's cut, at `until`")
    ]
    told: Annotated[str, Meta(description="All of it, as a part of a sentence")]

    @classmethod
    def of(cls, waiting: Waiting) -> "WaitingTold":
        """What waits."""
        return cls(
            waits_for=waiting.waits_for,
            as_of=waiting.as_of,
            number=waiting.number,
            days=waiting.days,
            since=waiting.since,
            until=waiting.until,
            behind=waiting.behind[:SHOWN_PARTITIONS],
            told=waiting_told(waiting),
        )


class NextClose(msgspec.Struct, frozen=True, kw_only=True):
    """The next session, and when it closes: when the exchange does, and the region's grace is over."""

    as_of: dt.date
    closes_at: dt.datetime


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A region, how its days stand, and its newest context of each joint model.

    `state`: closing while days wait, else open while the exchange is, else closed. Of a region that is not in the
    regions file only its contexts are known.
    """

    region: str
    configured: Annotated[bool, Meta(description="Whether it is in the regions file")]
    calendar: str | None
    instruments: tuple[str, ...]
    languages: tuple[str, ...]
    state: RegionState
    as_of: Annotated[dt.date | None, Meta(description="The newest day that has a context, or none for a reason")]
    last_closed: Annotated[LastClosed | None, Meta(description="The newest day that a worker has computed")]
    next_close: NextClose | None
    waiting: Annotated[Sequence[WaitingTold], Meta(description="At most one for each kind of thing waited for")]
    to_amend: Annotated[int, Meta(description="Days that late records have touched and that are not amended yet")]
    newest: Sequence[ContextHeader]

    @classmethod
    def of(cls, facts: RegionFacts, config: RegionConfig, newest: Sequence[ContextHeader]) -> "Region":
        """A region of the regions file."""
        next_close = None
        if facts.next_day is not None and facts.next_close is not None:
            next_close = NextClose(as_of=facts.next_day, closes_at=facts.next_close)
        return cls(
            region=facts.region,
            configured=True,
            calendar=config.calendar,
            instruments=config.instruments,
            languages=config.languages,
            state=facts.state,
            as_of=_newest_day(newest),
            last_closed=facts.last_closed,
            next_close=next_close,
            waiting=[WaitingTold.of(each) for each in facts.waiting],
            to_amend=facts.to_amend,
            newest=newest,
        )

    @classmethod
    def without_config(cls, name: str, newest: Sequence[ContextHeader]) -> "Region":
        """A region of the database that is not in the regions file."""
        return cls(
            region=name,
            configured=False,
            calendar=None,
            instruments=(),
            languages=(),
            state=RegionState.CLOSED,
            as_of=_newest_day(newest),
            last_closed=None,
            next_close=None,
            waiting=(),
            to_amend=0,
            newest=newest,
        )


def _newest_day(newest: Sequence[ContextHeader]) -> dt.date | None:
    return max((header.as_of for header in newest), default=None)


class RegionList(msgspec.Struct, frozen=True, kw_only=True):
    """Every region of the regions file and of the database, by name."""

    regions: Sequence[Region]
