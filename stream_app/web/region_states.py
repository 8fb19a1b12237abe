"""How the regions stand: which days are being closed and what they wait for, read from the database and calendars."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from schemas import TopicCut
from schemas.topics import NEWS, PRICES
from stream_app.config import RegionConfig
from stream_app.contexts.closing import closed_at
from stream_app.regime.calendars import SessionCalendar
from stream_app.services import Services
from stream_app.store import progress, region_days, revisions, trigger_queue, triggers
from stream_app.store.database import Connection, connection
from stream_app.store.region_days import NONE_WAIT, WaitingDays
from stream_app.store.triggers import StoredTrigger
from stream_app.web.answers.contexts import ContextHeader
from stream_app.web.answers.regions import ClosingDay, NextClose, PartitionBehind, Region, RegionList, State

SHOWN_DAYS = 5
"""Of a region's days that are being closed."""
SHOWN_PARTITIONS = 32
"""Of those behind a day's cut."""
DUE_DAYS = 14
"""Sessions that fell due and have no trigger are looked for so many days back."""
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Applied:
    """How far the inputs are applied: by topic the log's epoch, and the next offset by partition."""

    epochs: Mapping[str, int]
    offsets: Mapping[str, Mapping[int, int]]

    def behind(self, cut: Mapping[str, TopicCut]) -> list[PartitionBehind]:
        """The partitions whose records below a cut are not all applied, the first ones."""
        found = [
            PartitionBehind(topic=topic, partition=partition, applied=at, cut=end)
            for topic, part in sorted(cut.items())
            if part.epoch >= self.epochs.get(topic, part.epoch)
            for partition, end in enumerate(part.offsets)
            if (at := self._at(topic, part.epoch, partition)) < end
        ]
        return found[:SHOWN_PARTITIONS]

    def _at(self, topic: str, epoch: int, partition: int) -> int:
        return self.offsets.get(topic, {}).get(partition, 0) if self.epochs.get(topic, epoch) == epoch else 0


async def read(services: Services) -> RegionList:
    """Every region of the regions file and of the database, by name."""
    now = services.clock.now()
    async with connection(services.pool) as conn:
        names = sorted({*services.regions, *await region_days.regions(conn)})
        newest = await region_days.newest(conn, names)
        waiting = await region_days.waiting(conn, SHOWN_DAYS)
        applied = await _applied(conn, services)
        live_since = await trigger_queue.live_since(conn)
        closing = {name: _being_closed(waiting.get(name, NONE_WAIT), applied) for name in names}
        for name in live_since.keys() & services.regions.keys():
            closing[name] += await _not_closed_yet(conn, services, name, live_since[name], now)
        for name in services.regions:
            closing[name] += await _without_price(conn, services, name, now)
    totals = {name: waiting.get(name, NONE_WAIT).total - len(waiting.get(name, NONE_WAIT).first) for name in names}
    return RegionList(
        regions=[
            _region(
                services,
                name,
                now,
                [ContextHeader.of(day) for day in newest.get(name, ())],
                closing[name],
                totals[name] + len(closing[name]),
            )
            for name in names
        ]
    )


async def _applied(conn: Connection, services: Services) -> Applied:
    topics = [services.topic(topic.name) for topic in (PRICES, NEWS)]
    return Applied(
        await progress.epochs(conn, topics), {topic: await progress.offsets(conn, topic) for topic in topics}
    )


def _being_closed(waiting: WaitingDays, applied: Applied) -> list[ClosingDay]:
    return [_closing(trigger, applied) for trigger in waiting.first]


def _closing(trigger: StoredTrigger, applied: Applied) -> ClosingDay:
    """A day whose trigger is made and not computed."""
    event, behind = trigger.event, applied.behind(trigger.event.cut)
    if not event.cut:
        waits_for = "its cut, which the contexts stage reads from Kafka"
    elif trigger.known_at is None:
        waits_for = "its trigger to come back from Kafka, where the contexts stage reads it"
    elif behind:
        topics = " and ".join(sorted({each.topic for each in behind}))
        waits_for = f"records of {topics} below its cut, which are to be applied"
    else:
        waits_for = "the contexts stage to compute it"
    return ClosingDay(as_of=event.as_of, number=event.number, waits_for=waits_for, until=None, behind=behind)


async def _not_closed_yet(
    conn: Connection, services: Services, name: str, since: dt.datetime, now: dt.datetime
) -> list[ClosingDay]:
    """The sessions that are over and have no trigger, of a region whose days a worker closes."""
    region, calendar = services.regions[name], services.calendar_of(name)
    first = (now - DUE_DAYS * ONE_DAY).date()
    over = [
        (day, due)
        for day in _sessions(calendar, first, (now + ONE_DAY).date())
        if calendar.scheduled_close(day, region.news_day) <= now and (due := closed_at(region, calendar, day)) > since
    ]
    triggered = await triggers.triggered_days(conn, name, over[0][0], over[-1][0]) if over else set()
    return [
        ClosingDay(
            as_of=day,
            number=None,
            waits_for="its grace" if due > now else "a worker's timer to close it",
            until=due if due > now else None,
            behind=(),
        )
        for day, due in over
        if day not in triggered
    ]


async def _without_price(conn: Connection, services: Services, name: str, now: dt.datetime) -> list[ClosingDay]:
    """The days that were computed without a price, which is still waited for."""
    deadline = dt.timedelta(hours=services.settings.price_deadline_hours)
    return [
        ClosingDay(as_of=each.as_of, number=None, waits_for="a price", until=each.closed_at + deadline, behind=())
        for each in (await revisions.days_awaiting_price(conn, [name], now))[-SHOWN_DAYS:]
    ]


def _sessions(calendar: SessionCalendar, first: dt.date, last: dt.date) -> list[dt.date]:
    """The sessions between two days as far as the calendar goes."""
    first, last = max(first, calendar.sessions[0].item()), min(last, calendar.sessions[-1].item())
    return calendar.sessions_between(first, last) if first <= last else []


def _region(  # noqa: PLR0913, PLR0917 - what was read of it
    services: Services,
    name: str,
    now: dt.datetime,
    newest: Sequence[ContextHeader],
    closing: Collection[ClosingDay],
    closing_total: int,
) -> Region:
    config = services.regions.get(name)
    calendar = None if config is None else services.calendar_of(name)
    return Region(
        region=name,
        configured=config is not None,
        calendar=None if config is None else config.calendar,
        instruments=() if config is None else config.instruments,
        languages=() if config is None else config.languages,
        state=_state(calendar, now, bool(closing)),
        as_of=max((header.as_of for header in newest), default=None),
        next_close=None if config is None or calendar is None else _next_close(config, calendar, now),
        closing=sorted(closing, key=lambda day: day.as_of)[:SHOWN_DAYS],
        closing_total=closing_total,
        newest=newest,
    )


def _state(calendar: SessionCalendar | None, now: dt.datetime, is_closing: bool) -> State:
    if is_closing:
        return "closing"
    return "open" if calendar is not None and calendar.is_open(now) else "closed"


def _next_close(region: RegionConfig, calendar: SessionCalendar, now: dt.datetime) -> NextClose | None:
    found = calendar.next_close(now, region.news_day)
    if found is None:
        return None
    grace = dt.timedelta(minutes=region.close_grace_minutes)
    return NextClose(as_of=found[0], scheduled=found[1], closes_at=found[1] + grace)
