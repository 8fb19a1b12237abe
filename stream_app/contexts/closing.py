"""Closing and amending days: what the timer, `stream-app close` and `ingest --close-days` share."""

import datetime as dt
from collections.abc import Sequence

from schemas import Definition
from stream_app.config import RegionConfig
from stream_app.contexts.cut import finish_triggers
from stream_app.errors import UsageError
from stream_app.regime.calendars import OutsideCalendar, SessionCalendar
from stream_app.services import Services
from stream_app.store import triggers
from stream_app.store.database import connection, transaction
from stream_app.store.triggers import NewTrigger


def definition_of(region: RegionConfig) -> Definition:
    """The region's definition as a trigger carries it."""
    return Definition(
        calendar=region.calendar,
        instruments=region.instruments,
        languages=region.languages,
        news=region.news,
        news_day=region.news_day,
    )


def closed_at(region: RegionConfig, calendar: SessionCalendar, day: dt.date) -> dt.datetime:
    """The scheduled close plus grace, also for manual closes."""
    return calendar.scheduled_close(day, region.news_day) + dt.timedelta(minutes=region.close_grace_minutes)


def is_past_deadline(services: Services, due: dt.datetime) -> bool:
    """Whether a day that closed at this instant no longer waits for its price."""
    return services.clock.now() > due + dt.timedelta(hours=services.settings.price_deadline_hours)


def check_closable(services: Services, region_name: str, day: dt.date, force: bool = False) -> None:
    """Raises UsageError, naming the nearest sessions, for a day that is no session or has not closed yet."""
    calendar, region = services.calendar_of(region_name), services.regions[region_name]
    try:
        before, after = calendar.nearest_sessions(day)
        is_session, due = calendar.is_session(day), closed_at(region, calendar, day)
        calendar.news_window(day)
    except OutsideCalendar as error:
        raise UsageError(str(error)) from None
    if not is_session and not force:
        raise UsageError(
            f"{day} is no session of {region.calendar}; the nearest are {before} and {after} (--force closes any date)."
        )
    if due > services.clock.now() and not force:
        closed = _last_closed(region, calendar, before, services.clock.now())
        raise UsageError(
            f"{region_name} {day} closes at {due:%Y-%m-%d %H:%M} UTC; the last session that has closed is {closed} "
            "(--force closes it now)."
        )


def _last_closed(
    region: RegionConfig, calendar: SessionCalendar, session: dt.date | None, now: dt.datetime
) -> dt.date | None:
    """The last session up to this one that has closed by now."""
    while session is not None and closed_at(region, calendar, session) > now:
        session, _ = calendar.nearest_sessions(session)
    return session


async def close_days(services: Services, region_name: str, days: Sequence[dt.date], force: bool = False) -> int:
    """Close days that have no trigger yet and publish the triggers; how many were closed by this call."""
    calendar, region = services.calendar_of(region_name), services.regions[region_name]
    new = []
    for day in sorted(days):
        due = closed_at(region, calendar, day)
        new.append(NewTrigger(day, 1, due, allow_stale=force or is_past_deadline(services, due)))
    async with transaction(services.pool) as conn:
        made = await triggers.make(conn, region_name, definition_of(region), new, services.clock.now())
    await finish_triggers(services)
    return len(made)


async def amend_days(services: Services, region_name: str, days: Sequence[dt.date], allow_stale: bool = False) -> int:
    """Make amendments under the definition of the days' first close; a day without a trigger is passed over.

    They still need `finish_triggers`. Returns how many were made.
    """
    async with connection(services.pool) as conn:
        newest = await triggers.newest(conn, region_name, days)
    by_definition: dict[Definition, list[NewTrigger]] = {}
    for day, found in sorted(newest.items()):
        event = found.trigger.event
        stale = allow_stale or event.allow_stale or is_past_deadline(services, event.closed_at)
        by_definition.setdefault(event.definition, []).append(NewTrigger(day, event.number + 1, event.closed_at, stale))
    made = 0
    async with transaction(services.pool) as conn:
        for definition, new in by_definition.items():
            made += len(await triggers.make(conn, region_name, definition, new, services.clock.now()))
    return made
