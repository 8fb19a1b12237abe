"""A run of a region's triggers with one cut and one definition: what is read and computed together."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from schemas import Definition, TopicCut
from stream_app.regime.calendars import SessionCalendar
from stream_app.store import news
from stream_app.store.news import NewsSelection
from stream_app.store.trigger_queue import WaitingTrigger


@dataclass(frozen=True, slots=True)
class Batch:
    """Triggers in the order of the log, never none."""

    triggers: Sequence[WaitingTrigger]
    calendar: SessionCalendar

    @property
    def region(self) -> str:
        """Whose days these are."""
        return self.triggers[0].event.region

    @property
    def definition(self) -> Definition:
        """What the region was when these days first closed."""
        return self.triggers[0].event.definition

    @property
    def cut(self) -> dict[str, TopicCut]:
        """The end of every input topic."""
        return self.triggers[0].event.cut

    @property
    def learnt(self) -> bool:
        """Whether records above the cut may have been applied before these triggers were stored."""
        return any(trigger.learnt for trigger in self.triggers)

    @property
    def days(self) -> list[dt.date]:
        """The triggers' days."""
        return [trigger.event.as_of for trigger in self.triggers]

    def selection(self) -> NewsSelection:
        """The articles that may count on any of the days."""
        return news_of_days(self.region, self.definition, self.calendar, self.days)


def news_of_days(
    region: str, definition: Definition, calendar: SessionCalendar, days: Sequence[dt.date]
) -> NewsSelection:
    """The articles that may count on any of a region's days, at least one."""
    after: dt.datetime | dt.date
    until: dt.datetime | dt.date
    if definition.news_day == "session":
        after, until = calendar.news_window(min(days))[0], calendar.news_window(max(days))[1]
    else:
        after, until = min(days), max(days)
    tags = news.tags_of(region) if definition.news == "tagged" else None
    return NewsSelection(definition.news_day, after, until, definition.languages, tags)


def leading_run(waiting: Sequence[WaitingTrigger]) -> Sequence[WaitingTrigger]:
    """The first triggers that share the first one's cut and definition."""
    first = waiting[0].event
    for index, trigger in enumerate(waiting):
        if trigger.event.cut != first.cut or trigger.event.definition != first.definition:
            return waiting[:index]
    return waiting
