"""Which articles count on which of a region's days, against the rules in plain Python."""

import datetime as dt
from typing import Literal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas import Definition
from stream_app.contexts.news_days import places
from stream_app.regime.calendars import SessionCalendar

UTC = dt.UTC
# Thursday, Friday (a half-day), Monday, Tuesday; as_of may also be the weekend between.
CLOSES = [
    dt.datetime(2024, 11, 28, 21, tzinfo=UTC),
    dt.datetime(2024, 11, 29, 18, tzinfo=UTC),
    dt.datetime(2024, 12, 2, 21, tzinfo=UTC),
    dt.datetime(2024, 12, 3, 21, tzinfo=UTC),
]
CALENDAR = SessionCalendar(
    "X",
    np.array([close.date() for close in CLOSES], dtype="datetime64[D]"),
    np.array([close.replace(tzinfo=None) for close in CLOSES], dtype="datetime64[us]"),
    np.array([close.replace(hour=14, tzinfo=None) for close in CLOSES], dtype="datetime64[us]"),
)
DAYS = [dt.date(2024, 11, 29) + dt.timedelta(days=n) for n in range(5)]
EDGES = [close + n * dt.timedelta(microseconds=1) for close in CLOSES for n in (-1, 0, 1)]
MIDNIGHTS = [
    dt.datetime.combine(day, dt.time(), UTC) + n * dt.timedelta(microseconds=1) for day in DAYS for n in (0, 1)
]


def definition(news_day: Literal["session", "utc_date"]) -> Definition:
    return Definition(calendar="X", instruments=("A",), languages=("EN",), news="all", news_day=news_day)


SESSION, UTC_DATE = definition("session"), definition("utc_date")

instants = st.one_of(
    st.sampled_from(EDGES + MIDNIGHTS),
    st.integers(0, 6 * 24 * 3600).map(lambda second: CLOSES[0] + dt.timedelta(seconds=second)),
)
day_lists = st.lists(st.sampled_from(DAYS), max_size=6)


def counts_in_session(instant: dt.datetime, day: dt.date) -> bool:
    until = {close.date(): close for close in CLOSES}.get(
        day, dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), UTC)
    )
    after = max(close for close in CLOSES if close.date() < day)
    return after < instant <= until


@given(st.lists(instants, max_size=12), day_lists)
def test_a_session_has_the_news_after_the_close_before_it_up_to_its_own(
    published: list[dt.datetime], days: list[dt.date]
) -> None:
    found = places(published, [instant.date() for instant in published], SESSION, CALENDAR, days)
    expected = [[i for i, instant in enumerate(published) if counts_in_session(instant, day)] for day in days]
    assert [indices.tolist() for indices in found] == expected


@given(st.lists(st.sampled_from(DAYS), max_size=12), day_lists)
def test_under_the_utc_date_rule_a_day_has_the_articles_of_its_news_date(
    news_dates: list[dt.date], days: list[dt.date]
) -> None:
    found = places([CLOSES[0]] * len(news_dates), news_dates, UTC_DATE, CALENDAR, days)
    expected = [[i for i, news_date in enumerate(news_dates) if news_date == day] for day in days]
    assert [indices.tolist() for indices in found] == expected


def test_the_instant_of_a_close_belongs_to_the_day_that_closes() -> None:
    exactly, after = CLOSES[1], CLOSES[1] + dt.timedelta(microseconds=1)
    found = places([exactly, after], [exactly.date()] * 2, SESSION, CALENDAR, [DAYS[0], dt.date(2024, 12, 2)])
    assert [indices.tolist() for indices in found] == [[0], [1]]


def test_an_article_counts_on_a_forced_saturday_and_on_the_session_after_it() -> None:
    saturday_noon = dt.datetime(2024, 11, 30, 12, tzinfo=UTC)
    found = places([saturday_noon], [saturday_noon.date()], SESSION, CALENDAR, DAYS)
    assert [indices.tolist() for indices in found] == [[], [0], [0], [0], []]
