"""Which days the sent rows cover, kept small while files of any size pass by."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas import NewsArticle, PriceClose
from stream_app.config import RegionConfig
from stream_app.regime.calendars import SessionCalendar

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(slots=True)
class PriceCoverage:
    """The first and the last date of each instrument."""

    spans: dict[str, tuple[dt.date, dt.date]] = field(default_factory=dict)

    def add(self, events: Sequence[PriceClose]) -> None:
        """Take up rows that were sent."""
        for event in events:
            day = event.trade_date
            first, last = self.spans.get(event.instrument_id, (day, day))
            if not first <= day <= last or event.instrument_id not in self.spans:
                self.spans[event.instrument_id] = min(first, day), max(last, day)

    def days(self, region: RegionConfig, calendar: SessionCalendar) -> list[dt.date]:
        """The sessions from the first to the last date of the region's instruments; none where no row names one."""
        named = [self.spans[name] for name in region.instruments if name in self.spans]
        if not named:
            return []
        first, last = min(first for first, _ in named), max(last for _, last in named)
        return closable(calendar, first, last)


@dataclass(slots=True)
class NewsCoverage:
    """The days of each region on which articles count, under the region's own rule."""

    regions: Mapping[str, RegionConfig]
    calendars: Mapping[str, SessionCalendar]
    """By region."""
    covered: dict[str, set[dt.date]] = field(default_factory=dict)

    def add(self, events: Sequence[NewsArticle]) -> None:
        """Take up articles that were sent."""
        published = [event.published_at for event in events if event.published_at is not None]
        dates = {event.news_date for event in events if event.news_date is not None}
        instants = np.array([(instant - EPOCH) // MICROSECOND for instant in published], dtype="datetime64[us]")
        for name, region in self.regions.items():
            found = self.covered.setdefault(name, set())
            if region.news_day == "utc_date":
                found |= dates
            else:
                sessions = np.unique(self.calendars[name].session_of(instants))
                found.update(sessions[~np.isnat(sessions)].tolist())

    def days(self, name: str) -> list[dt.date]:
        """The region's covered sessions, ascending."""
        covered = self.covered.get(name)
        if not covered:
            return []
        return [day for day in closable(self.calendars[name], min(covered), max(covered)) if day in covered]


def closable(calendar: SessionCalendar, first: dt.date, last: dt.date) -> list[dt.date]:
    """The sessions between two dates (inclusive) that the calendar has a news window for."""
    earliest, latest = calendar.sessions[1].item(), calendar.sessions[-1].item()
    if last < earliest or first > latest:
        return []
    return calendar.sessions_between(max(first, earliest), min(last, latest))
