"""Regions and their days: open, closing or closed, and what a closing day waits for. Asks Postgres alone."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from stream_app.contexts.closing import closed_at
from stream_app.services import Services
from stream_app.status.facts import RegionFacts, RegionState, Waiting, WaitsFor
from stream_app.store import progress, revisions, standing, trigger_queue, triggers
from stream_app.store.database import Connection, connection
from stream_app.store.progress import Behind
from stream_app.store.revisions import AwaitingPrice
from stream_app.store.standing import LastClosed, Unfinished

ONE_DAY = dt.timedelta(days=1)
LONGEST_BREAK = dt.timedelta(days=21)
"""Between two sessions of any exchange."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the database knows of the regions' days."""

    unfinished: dict[str, Unfinished]
    behind: dict[str, list[Behind]]
    last_closed: dict[str, LastClosed]
    awaiting_price: Sequence[AwaitingPrice]
    live_since: dict[str, dt.datetime]
    to_amend: dict[str, int]


async def region_facts(services: Services) -> list[RegionFacts]:
    """Every configured region, in the order of the regions file. Raises Retriable while Postgres is away."""
    now, names = services.clock.now(), list(services.regions)
    async with connection(services.pool) as conn:
        stored = await _stored(conn, names, now)
        due = {name: await _due(conn, services, name, stored.live_since.get(name), now) for name in names}
    return [_of_region(services, name, stored, due[name], now) for name in names]


async def _stored(conn: Connection, names: Sequence[str], now: dt.datetime) -> _Stored:
    unfinished = await standing.unfinished(conn, names)
    return _Stored(
        unfinished=unfinished,
        behind={name: await progress.behind(conn, each.trigger.event.cut) for name, each in unfinished.items()},
        last_closed=await standing.last_closed(conn, names),
        awaiting_price=await revisions.awaiting_price(conn, names, now),
        live_since=await trigger_queue.live_since(conn),
        to_amend=await standing.marked_days(conn),
    )


async def _due(
    conn: Connection, services: Services, name: str, since: dt.datetime | None, now: dt.datetime
) -> list[dt.date]:
    """The sessions that a timer should have closed by now and that have no trigger, oldest first."""
    if since is None:
        return []
    sessions = _sessions(services, name, since - ONE_DAY, now + ONE_DAY)
    region, calendar = services.regions[name], services.calendar_of(name)
    due = [day for day in sessions if since < closed_at(region, calendar, day) <= now]
    if not due:
        return []
    triggered = await triggers.triggered_days(conn, name, due[0], due[-1])
    return [day for day in due if day not in triggered]


def _of_region(services: Services, name: str, stored: _Stored, due: Sequence[dt.date], now: dt.datetime) -> RegionFacts:
    waiting = [
        *_awaiting_price(services, name, stored.awaiting_price),
        *_unfinished(services, stored.unfinished.get(name), stored.behind.get(name, ())),
        *_without_trigger(services, name, due),
    ]
    next_day, next_close = _next(services, name, now)
    return RegionFacts(
        region=name,
        state=_state(services, name, waiting, next_day, now),
        last_closed=stored.last_closed.get(name),
        next_day=next_day,
        next_close=next_close,
        waiting=waiting,
        to_amend=stored.to_amend.get(name, 0),
    )


def _state(
    services: Services, name: str, waiting: Sequence[Waiting], next_day: dt.date | None, now: dt.datetime
) -> RegionState:
    if waiting:
        return RegionState.CLOSING
    begun = next_day is not None and services.calendar_of(name).scheduled_open(next_day) <= now
    return RegionState.OPEN if begun else RegionState.CLOSED


def _awaiting_price(services: Services, name: str, awaiting: Sequence[AwaitingPrice]) -> Iterator[Waiting]:
    days = [each for each in awaiting if each.region == name]
    if days:
        until = days[0].closed_at + dt.timedelta(hours=services.settings.price_deadline_hours)
        yield Waiting(WaitsFor.PRICE, days[0].as_of, 1, len(days), days[0].closed_at, until)


def _unfinished(services: Services, unfinished: Unfinished | None, behind: Sequence[Behind]) -> Iterator[Waiting]:
    if unfinished is None:
        return
    event, known_at = unfinished.trigger.event, unfinished.trigger.known_at
    if not event.cut:
        waits_for = WaitsFor.CUT
    elif known_at is None:
        waits_for, behind = WaitsFor.LOG, ()
    else:
        waits_for = WaitsFor.RECORDS if behind else WaitsFor.COMPUTING
    prefix = services.settings.topic_prefix
    named = [replace(each, topic=each.topic.removeprefix(prefix)) for each in behind]
    since = known_at or unfinished.created_at
    yield Waiting(waits_for, event.as_of, event.number, unfinished.triggers, since, behind=named)


def _without_trigger(services: Services, name: str, due: Sequence[dt.date]) -> Iterator[Waiting]:
    if due:
        since = closed_at(services.regions[name], services.calendar_of(name), due[0])
        yield Waiting(WaitsFor.CLOSER, due[0], None, len(due), since)


def _next(services: Services, name: str, now: dt.datetime) -> tuple[dt.date | None, dt.datetime | None]:
    """The first session that closes after now, and when it does."""
    region, calendar = services.regions[name], services.calendar_of(name)
    for day in _sessions(services, name, now - 2 * ONE_DAY, now + LONGEST_BREAK):
        if (closes := closed_at(region, calendar, day)) > now:
            return day, closes
    return None, None


def _sessions(services: Services, name: str, first: dt.datetime, last: dt.datetime) -> list[dt.date]:
    """The sessions between two instants' days, as far as the calendar goes."""
    calendar = services.calendar_of(name)
    start = max(first.date(), calendar.sessions[0].item())
    end = min(last.date(), calendar.sessions[-1].item())
    return calendar.sessions_between(start, end) if start <= end else []
