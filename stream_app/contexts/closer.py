"""The closer: a timer in every contexts process, one at a time under an advisory lock, that closes and amends days."""

import datetime as dt
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.contexts.closing import amend_days, close_days, closed_at
from stream_app.contexts.cut import finish_triggers
from stream_app.regime.calendars import SessionCalendar
from stream_app.services import Services
from stream_app.store import late_marks, process_lock, progress, revisions, trigger_queue, triggers
from stream_app.store.database import STALLED_SECONDS, connection
from stream_app.store.late_marks import AtRest
from stream_app.store.process_lock import ProcessLock

log = logging.getLogger(__name__)

ONE_DAY = dt.timedelta(days=1)
PRICE_DEADLINE_INTERVAL = dt.timedelta(minutes=1)
"""Between looks at which days have waited for a price past the deadline, which is hours."""


class Closer:
    """Decides which days are due. Acts only once the log's own triggers, as of its start, are known here."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._log_end: tuple[int, ...] | None = None
        self._ended: set[str] = set()
        self._closed_until: dict[str, dt.datetime] = {}
        self._asked_for_prices: dt.datetime | None = None

    async def run_once(self) -> None:
        """One pass, if no other process is at it."""
        if not await self._knows_the_log():
            return
        async with self._locked() as locked:
            if locked:
                await finish_triggers(self._services)
                await self._close_due()
                await self._amend_marked()
                await self._amend_without_price()
                await finish_triggers(self._services)

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[bool]:
        """Whether no other process closes. If this takes very long, another begins; both make the same triggers."""
        async with (
            connection(self._services.pool) as conn,
            process_lock.held(conn, ProcessLock.CLOSING, longest_seconds=STALLED_SECONDS) as locked,
        ):
            yield locked

    async def _knows_the_log(self) -> bool:
        topic = self._services.topic(DAY_CLOSES.name)
        if self._log_end is None:
            self._log_end = await self._services.log.end_offsets(topic)
        async with connection(self._services.pool) as conn:
            at = await progress.offsets(conn, topic)
        return all(at.get(partition, 0) >= end for partition, end in enumerate(self._log_end))

    async def _close_due(self) -> None:
        async with connection(self._services.pool) as conn:
            live_since = await trigger_queue.live_since(conn)
        for region in live_since.keys() & self._services.regions.keys():
            now = self._services.clock.now()
            since = max(live_since[region], self._closed_until.get(region, live_since[region]))
            if due := await self._due(region, since, now):
                closed = await close_days(self._services, region, due)
                log.info("closed region=%s days=%d first=%s last=%s", region, closed, due[0], due[-1])
            self._closed_until[region] = now

    async def _due(self, name: str, since: dt.datetime, now: dt.datetime) -> list[dt.date]:
        """The sessions that fell due after `since` and up to `now` and have no trigger, oldest first."""
        region = self._services.regions[name]
        calendar = self._services.calendar_of(name)
        sessions = self._known_sessions(calendar, (since - 2 * ONE_DAY).date(), (now + ONE_DAY).date())
        due = [day for day in sessions if since < closed_at(region, calendar, day) <= now]
        if not due:
            return []
        async with connection(self._services.pool) as conn:
            triggered = await triggers.triggered_days(conn, name, due[0], due[-1])
        return [day for day in due if day not in triggered]

    def _known_sessions(self, calendar: SessionCalendar, first: dt.date, last: dt.date) -> list[dt.date]:
        """The sessions between two days as far as the calendar goes; where it ends is said once, and stops no other."""
        opens, ends = calendar.sessions[1].item(), calendar.sessions[-1].item()
        if last > ends and calendar.name not in self._ended:
            self._ended.add(calendar.name)
            log.error("calendar %s ends on %s: its later sessions are not closed by the timer", calendar.name, ends)
        first, last = max(first, opens), min(last, ends)
        return calendar.sessions_between(first, last) if first <= last else []

    async def _amend_marked(self) -> None:
        async with connection(self._services.pool) as conn:
            if not await late_marks.any_left(conn):
                return
        at_rest = await self._at_rest()
        async with connection(self._services.pool) as conn:
            marked = await late_marks.take_up(conn, at_rest)
        for region, group in itertools.groupby(marked, key=lambda pair: pair[0]):
            ready = await self._ready([day for _, day in group], region)
            if ready:
                amended = await amend_days(self._services, region, ready)
                log.info("amended region=%s days=%d first=%s last=%s", region, amended, ready[0], ready[-1])

    async def _at_rest(self) -> AtRest:
        """When a day may be amended: a history that is sent again touches its days while it is being sent and applied.

        Amended at the first mark, a day would get a revision of one part of it, and an interval later one of the rest.
        Waiting for records that are in the log loses no time: an amendment's context would wait for them as well. The
        interval is the bound, for a day that never comes to rest.
        """
        settings, now = self._services.settings, self._services.clock.now()
        behind = []
        for topic in (self._services.topic(PRICES.name), self._services.topic(NEWS.name)):
            ends = await self._services.log.end_offsets(topic)
            async with connection(self._services.pool) as conn:
                applied = await progress.offsets(conn, topic)
            behind += [(topic, partition) for partition, end in enumerate(ends) if applied.get(partition, 0) < end]
        return AtRest(
            quiet_since=now - dt.timedelta(seconds=settings.amend_settle_seconds),
            overdue_since=now - dt.timedelta(seconds=settings.amend_interval_seconds),
            behind=behind,
        )

    async def _ready(self, days: list[dt.date], region: str) -> list[dt.date]:
        """The days whose newest trigger has a cut and, if it is an amendment, is old enough."""
        interval = dt.timedelta(seconds=self._services.settings.amend_interval_seconds)
        async with connection(self._services.pool) as conn:
            newest = await triggers.newest(conn, region, days)
        now = self._services.clock.now()
        return [
            day
            for day, found in sorted(newest.items())
            if found.trigger.event.cut and (found.trigger.event.number == 1 or now - found.created_at >= interval)
        ]

    async def _amend_without_price(self) -> None:
        now = self._services.clock.now()
        if self._asked_for_prices is not None and now - self._asked_for_prices < PRICE_DEADLINE_INTERVAL:
            return
        deadline = now - dt.timedelta(hours=self._services.settings.price_deadline_hours)
        async with connection(self._services.pool) as conn:
            waiting = await revisions.awaiting_price(conn, list(self._services.regions), deadline)
        for region, of_region in itertools.groupby(waiting, key=lambda each: each.region):
            days = [each.as_of for each in of_region]
            amended = await amend_days(self._services, region, days, allow_stale=True)
            log.info("amended without price region=%s days=%d", region, amended)
        self._asked_for_prices = now
