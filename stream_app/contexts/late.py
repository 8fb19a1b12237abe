"""Which days records touch: the marks that make the closer amend a day."""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from schemas import Definition
from stream_app.contexts.batch import Batch
from stream_app.contexts.news_days import places
from stream_app.models import LookBack
from stream_app.regime import windows
from stream_app.regime.calendars import SessionCalendar
from stream_app.store import late_marks, news, prices
from stream_app.store.database import Connection
from stream_app.store.late_marks import Mark, TriggeredDay
from stream_app.store.news import ArticleVersion
from stream_app.store.prices import Series
from stream_app.store.progress import Progress

CalendarOf = Callable[[str], SessionCalendar]

LONGEST_NEWS_WINDOW_DAYS = 62
"""No exchange's close is farther from the next one (Shanghai's were 20 days apart in 1999, Athens' 38 in 2015)."""
ONE_DAY = dt.timedelta(days=1)
FEWEST_SESSIONS_A_YEAR = 235
LONGEST_BREAK_DAYS = 40
"""No exchange of exchange_calendars has fewer sessions a year, or was closed for longer."""


@dataclass(frozen=True, slots=True)
class Reach:
    """A price's reach: the as_of days from `first` to `last` whose window holds it, or held it before the change."""

    instrument_id: str
    first: dt.date
    last: dt.date
    log_offset: int


def history_days(sessions: int) -> int:
    """In how many calendar days so many sessions lie at the most, from the first to the last."""
    return 0 if sessions <= 1 else math.ceil(sessions * 366 / FEWEST_SESSIONS_A_YEAR) + LONGEST_BREAK_DAYS


def reach_of_prices(instrument: str, series: Series, changed: Mapping[dt.date, int], back: LookBack) -> list[Reach]:
    """The reach of each changed row (date and the record's offset); `series` are the rows after the change.

    Days beyond those whose history holds such a window may be in the reach: an amendment of theirs makes no revision.
    """
    dates = np.array(list(changed), dtype="datetime64[D]")
    until = windows.touched_until(series.dates, dates, back.window_days) + history_days(back.history_sessions)
    return [
        Reach(instrument, day, last, offset)
        for (day, offset), last in zip(changed.items(), until.tolist(), strict=True)
    ]


def touched_by_prices(reaches: Sequence[Reach], days: Sequence[TriggeredDay]) -> Iterator[tuple[TriggeredDay, int]]:
    """Each day that prices touch, with the offset of the newest record that does."""
    axis = np.unique(np.array([day.as_of for day in days], dtype="datetime64[D]"))
    newest = {name: np.full(len(axis), -1) for day in days for name in day.definition.instruments}
    ascending = sorted((reach for reach in reaches if reach.instrument_id in newest), key=lambda r: r.log_offset)
    starts = np.searchsorted(axis, np.array([r.first for r in ascending], dtype="datetime64[D]"), side="left")
    ends = np.searchsorted(axis, np.array([r.last for r in ascending], dtype="datetime64[D]"), side="right")
    for reach, start, end in zip(ascending, starts.tolist(), ends.tolist(), strict=True):
        newest[reach.instrument_id][start:end] = reach.log_offset
    at = np.searchsorted(axis, np.array([day.as_of for day in days], dtype="datetime64[D]")).tolist()
    for day, index in zip(days, at, strict=True):
        offset = max((int(newest[name][index]) for name in day.definition.instruments), default=-1)
        if offset >= 0:
            yield day, offset


async def marks_of_prices(connection: Connection, now: Progress, reaches: Sequence[Reach]) -> list[Mark]:
    """Marks for the triggered days whose windows hold or held a price of a chunk; `now` is the progress after it."""
    if not reaches:
        return []
    first, last = min(r.first for r in reaches), max(r.last for r in reaches)
    days = await late_marks.triggered_days(connection, first, last, naming={r.instrument_id for r in reaches})
    return [
        Mark(day.region, day.as_of, now.topic, now.partition, now.log_epoch, offset)
        for day, offset in touched_by_prices(reaches, days)
    ]


def _concerns(version: ArticleVersion, region: str, definition: Definition) -> bool:
    if version.language is None or version.language.upper() not in {name.upper() for name in definition.languages}:
        return False
    return definition.news == "all" or not version.tags or bool(set(version.tags) & set(news.tags_of(region)))


def touched_by_articles(
    versions: Sequence[ArticleVersion], days: Sequence[TriggeredDay], calendar_of: CalendarOf
) -> Iterator[tuple[TriggeredDay, ArticleVersion]]:
    """Each day with the newest version of each partition that counts on it, under the definition it closed with."""
    standing = [v for v in versions if v.published_at is not None and v.news_date is not None]
    by_definition: dict[tuple[str, Definition], list[TriggeredDay]] = {}
    for day in days:
        by_definition.setdefault((day.region, day.definition), []).append(day)
    for (region, definition), of_group in by_definition.items():
        wanted = [v for v in standing if _concerns(v, region, definition)]
        found = places(
            [v.published_at for v in wanted if v.published_at is not None],
            [v.news_date for v in wanted if v.news_date is not None],
            definition,
            calendar_of(definition.calendar),
            [day.as_of for day in of_group],
        )
        for day, indices in zip(of_group, found, strict=True):
            of_day = sorted((wanted[i] for i in indices), key=lambda v: (v.log_epoch, v.log_offset))
            for version in {v.log_partition: v for v in of_day}.values():
                yield day, version


async def marks_of_articles(
    connection: Connection, topic: str, versions: Sequence[ArticleVersion], calendar_of: CalendarOf
) -> list[Mark]:
    """Marks for the triggered days on which any of the versions, before or after a record, counts.

    A version that a record replaced or retracted carries that record's place in the log.
    """
    dates = [d for v in versions if v.published_at and v.news_date for d in (v.published_at.date(), v.news_date)]
    if not dates:
        return []
    last = max(dates) + LONGEST_NEWS_WINDOW_DAYS * ONE_DAY
    days = await late_marks.triggered_days(connection, min(dates) - ONE_DAY, last)
    return [
        Mark(day.region, day.as_of, topic, v.log_partition, v.log_epoch, v.log_offset)
        for day, v in touched_by_articles(versions, days, calendar_of)
    ]


async def prices_above_cut(
    connection: Connection, batch: Batch, series: Mapping[str, Series], topic: str, back: LookBack
) -> list[Mark]:
    """Marks for a batch's days that prices at or above the cut touch; `series` are the rows below it."""
    first = min(batch.days) - (windows.lookback_days(back.window_days) + history_days(back.history_sessions)) * ONE_DAY
    versions = await prices.versions_above(
        connection, batch.definition.instruments, first, max(batch.days), batch.cut[topic]
    )
    marks = []
    for version in versions:
        rows = series.get(version.instrument_id, prices.EMPTY)
        changed = {version.trade_date: version.log_offset}
        (reach,) = reach_of_prices(version.instrument_id, rows, changed, back)
        place = (version.log_partition, version.log_epoch, version.log_offset)
        marks += [Mark(batch.region, day, topic, *place) for day in batch.days if reach.first <= day <= reach.last]
    return marks


async def news_above_cut(
    connection: Connection, batch: Batch, counted: Mapping[str, Sequence[dt.date]], topic: str
) -> list[Mark]:
    """Marks for a batch's days that news at or above the cut touches; `counted` are the days of each article below."""
    versions = await news.versions_above(connection, batch.selection(), list(counted), batch.cut[topic])
    days = [TriggeredDay(batch.region, day, batch.definition) for day in batch.days]
    own = [(day.as_of, v) for day, v in touched_by_articles(versions, days, lambda _: batch.calendar)]
    left = [(day, v) for v in versions for day in counted.get(v.article_id, ())]
    return [Mark(batch.region, day, topic, v.log_partition, v.log_epoch, v.log_offset) for day, v in own + left]
