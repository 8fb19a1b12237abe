"""Sessions, scheduled closes and news windows, against published calendars."""

import datetime as dt
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream_app.regime.calendars import OutsideCalendar, SessionCalendar, load_calendar

END = dt.date(2035, 12, 31)
PACKAGED = ["XNYS", "XETR", "XLON", "XTKS", "XHKG", "24/7"]

known_days = st.dates(dt.date(1997, 1, 8), dt.date(2035, 12, 20))


def calendar(name: str) -> SessionCalendar:
    return load_calendar(name, END)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def instants(*texts: str) -> NDArray[np.datetime64]:
    return np.array(texts, "datetime64[us]")


@pytest.mark.parametrize(
    ("name", "session", "close"),
    [
        ("XNYS", "2024-11-29", "2024-11-29T18:00"),  # half-day after Thanksgiving
        ("XNYS", "2008-11-28", "2008-11-28T18:00"),
        ("XNYS", "2008-07-03", "2008-07-03T17:00"),  # half-day in summer time
        ("XNYS", "2008-03-07", "2008-03-07T21:00"),  # the last session before summer time
        ("XNYS", "2008-03-10", "2008-03-10T20:00"),
        ("XNYS", "2008-10-31", "2008-10-31T20:00"),
        ("XNYS", "2008-11-03", "2008-11-03T21:00"),
        ("XNYS", "2008-02-29", "2008-02-29T21:00"),  # leap day
        ("XLON", "2008-12-24", "2008-12-24T12:30"),
        ("XLON", "2008-09-15", "2008-09-15T15:30"),
        ("XETR", "2008-01-21", "2008-01-21T16:30"),
        ("XTKS", "2008-10-10", "2008-10-10T06:00"),
        ("XHKG", "2008-10-27", "2008-10-27T08:00"),
        ("24/7", "2008-12-25", "2008-12-26T00:00"),
        ("24/5", "2008-09-12", "2008-09-13T00:00"),
        ("XNYS", "2000-02-29", "2000-02-29T21:00"),  # a leap day of a century
        ("XLON", "2008-03-28", "2008-03-28T16:30"),
        ("XLON", "2008-03-31", "2008-03-31T15:30"),  # summer time begins three weeks after New York's
        ("XASX", "2008-10-03", "2008-10-03T06:00"),
        ("XASX", "2008-10-06", "2008-10-06T05:00"),  # and in the south in October
        ("XNZE", "2020-12-24", "2020-12-23T23:45"),  # a half-day that is over before its date begins in UTC
        ("CMES", "2008-03-10", "2008-03-10T22:00"),
    ],
)
def test_a_session_closes_at_its_published_time(name: str, session: str, close: str) -> None:
    assert calendar(name).is_session(day(session))
    assert calendar(name).scheduled_close(day(session), "session") == utc(close)


@pytest.mark.parametrize(
    ("name", "closed"),
    [
        ("XNYS", "2008-07-04"),
        ("XNYS", "2009-01-01"),
        ("XNYS", "2008-10-11"),
        ("XNYS", "2007-01-02"),  # mourning for President Ford
        ("XLON", "2009-04-10"),
        ("XTKS", "2008-11-24"),
        ("XHKG", "2009-01-26"),
    ],
)
def test_a_holiday_or_weekend_is_no_session_and_is_over_at_the_next_midnight(name: str, closed: str) -> None:
    next_midnight = utc(closed) + dt.timedelta(days=1)
    assert not calendar(name).is_session(day(closed))
    assert calendar(name).scheduled_close(day(closed), "session") == next_midnight
    assert calendar(name).scheduled_close(day(closed), "utc_date") == next_midnight


@settings(deadline=None)
@given(st.sampled_from(PACKAGED), known_days)
def test_under_utc_date_no_day_is_over_before_its_news_is_complete(name: str, as_of: dt.date) -> None:
    next_midnight = dt.datetime.combine(as_of, dt.time(), dt.UTC) + dt.timedelta(days=1)
    own = calendar(name).scheduled_close(as_of, "session")
    assert calendar(name).scheduled_close(as_of, "utc_date") == max(own, next_midnight)


def test_news_of_a_session_runs_from_the_previous_close_to_its_own() -> None:
    friday, monday = utc("2008-09-12T20:00"), utc("2008-09-15T20:00")
    assert calendar("XNYS").news_window(day("2008-09-15")) == (friday, monday)


def test_news_of_a_forced_weekend_runs_from_fridays_close_to_the_next_midnight() -> None:
    saturday = calendar("XNYS").news_window(day("2008-09-13"))
    sunday = calendar("XNYS").news_window(day("2008-09-14"))
    assert saturday == (utc("2008-09-12T20:00"), utc("2008-09-14T00:00"))
    assert sunday == (utc("2008-09-12T20:00"), utc("2008-09-15T00:00"))


def test_news_at_the_close_counts_on_the_session_and_a_microsecond_later_on_the_next() -> None:
    at_and_after = instants("2008-11-28T18:00:00.000000", "2008-11-28T18:00:00.000001", "2008-11-29T12:00")
    found = calendar("XNYS").session_of(at_and_after)
    assert found.tolist() == [day("2008-11-28"), day("2008-12-01"), day("2008-12-01")]


def test_news_in_a_region_across_midnight_utc_counts_on_the_session_that_closes_next() -> None:
    found = calendar("XTKS").session_of(instants("2008-10-09T06:00:01", "2008-10-09T23:30", "2008-10-10T05:59"))
    assert found.tolist() == [day("2008-10-10")] * 3


def test_round_the_clock_trading_ends_its_day_at_midnight_utc_included() -> None:
    found = calendar("24/7").session_of(instants("2008-12-25T00:00", "2008-12-25T00:00:01", "2008-12-26T00:00"))
    assert found.tolist() == [day("2008-12-24"), day("2008-12-25"), day("2008-12-25")]


seconds_known = st.lists(st.integers(852_681_600, 2_081_000_000), min_size=1, max_size=50)  # 1997-01-08 to 2035-12


@settings(deadline=None)
@given(st.sampled_from(PACKAGED), seconds_known, st.sampled_from([0, 1]))
def test_the_session_of_an_instant_is_the_one_whose_news_window_holds_it(
    name: str, seconds: list[int], microsecond: int
) -> None:
    published = np.array([second * 1_000_000 + microsecond for second in seconds], "datetime64[us]")
    sessions = calendar(name).session_of(published)
    after, until = calendar(name).news_windows(sessions)
    assert ((after < published) & (published <= until)).all()


@settings(deadline=None)
@given(st.sampled_from(PACKAGED), st.integers(1, 6000), st.sampled_from([0, 1]))
def test_at_a_close_session_and_news_window_agree(name: str, index: int, microsecond: int) -> None:
    known = calendar(name)
    published = known.closes[[index]] + np.timedelta64(microsecond, "us")
    assert known.session_of(published) == known.sessions[index + microsecond]
    after, until = known.news_windows(known.session_of(published))
    assert after[0] < published[0] <= until[0]


@pytest.mark.parametrize("name", PACKAGED)
def test_news_windows_of_the_sessions_leave_no_gap_and_do_not_overlap(name: str) -> None:
    after, until = calendar(name).news_windows(calendar(name).sessions[1:])
    assert (after[1:] == until[:-1]).all()
    assert (until > after).all()
    assert after.dtype == until.dtype == np.dtype("datetime64[us]")


@settings(deadline=None)
@given(st.sampled_from(PACKAGED), known_days)
def test_a_days_news_window_alone_and_among_others_is_the_same(name: str, as_of: dt.date) -> None:
    after, until = calendar(name).news_window(as_of)
    many = calendar(name).news_windows(np.array([as_of, day("2008-09-15")], "datetime64[D]"))
    assert (many[0][0].item(), many[1][0].item()) == (after.replace(tzinfo=None), until.replace(tzinfo=None))


@settings(deadline=None)
@given(st.sampled_from(PACKAGED), known_days)
def test_the_nearest_sessions_are_the_neighbours_of_a_day(name: str, as_of: dt.date) -> None:
    known = calendar(name)
    before, after = known.nearest_sessions(as_of)
    assert before is not None
    assert after is not None
    assert before < as_of < after
    assert known.sessions_between(before, after) == sorted(
        {before, after} | ({as_of} if known.is_session(as_of) else set())
    )


def test_sessions_between_includes_both_ends_and_skips_the_holiday() -> None:
    found = calendar("XNYS").sessions_between(day("2008-11-25"), day("2008-12-01"))
    assert [session.day for session in found] == [25, 26, 28, 1]


def test_beside_the_first_and_the_last_session_there_is_none() -> None:
    known = calendar("XNYS")
    assert known.nearest_sessions(day("1985-01-02")) == (None, day("1985-01-03"))
    assert known.nearest_sessions(END) == (day("2035-12-28"), None)


@pytest.mark.parametrize("outside", ["1985-01-01", "2036-01-01"])
def test_a_day_outside_the_calendar_is_refused_naming_the_bounds(outside: str) -> None:
    known = calendar("XNYS")
    for ask in (
        lambda: known.is_session(day(outside)),
        lambda: known.nearest_sessions(day(outside)),
        lambda: known.sessions_between(day(outside), day(outside)),
        lambda: known.scheduled_close(day(outside), "session"),
        lambda: known.news_window(day(outside)),
    ):
        with pytest.raises(OutsideCalendar, match="1985-01-02 to 2035-12-31"):
            ask()


def test_the_first_session_has_no_news_window_because_no_close_is_known_before_it() -> None:
    with pytest.raises(OutsideCalendar, match="news window of 1985-01-02 is not known"):
        calendar("XNYS").news_window(day("1985-01-02"))


def test_news_outside_the_calendar_counts_on_no_session() -> None:
    found = calendar("XNYS").session_of(instants("1985-01-02T21:00", "1985-01-02T21:01", "2035-12-31T21:01"))
    assert np.isnat(found).tolist() == [True, False, True]


def test_a_calendar_starts_in_1985_or_at_its_own_bound_and_ends_where_asked_or_at_its_own_bound() -> None:
    assert calendar("XNYS").sessions[0] == np.datetime64("1985-01-02")
    assert calendar("XTKS").sessions[0] == np.datetime64("1997-01-06")
    assert load_calendar("XSHG", END).sessions[-1] <= np.datetime64("2026-12-31")
    assert load_calendar("XNYS", day("2010-12-31")).sessions[-1] == np.datetime64("2010-12-31")


def test_a_calendar_is_built_once_a_process() -> None:
    assert calendar("XNYS") is calendar("XNYS")


@pytest.mark.parametrize("name", ["ASEX", "XTAE"])
def test_a_calendar_that_its_library_fails_on_is_refused_in_a_sentence_until_it_can_be_built(name: str) -> None:
    try:
        known = calendar(name)
    except ValueError as error:
        assert re.fullmatch(rf"exchange_calendars fails on its calendar {name} \(\w+\)\.", str(error))
    else:
        assert known.is_session(day("2024-05-15"))


def test_an_unknown_calendar_is_refused_with_the_names_most_like_it() -> None:
    with pytest.raises(ValueError, match=r"no exchange calendar 'XNYZ'.*XNYS"):
        calendar("XNYZ")
    with pytest.raises(ValueError, match="ISO 10383"):
        calendar("the stock exchange of nowhere")


@pytest.mark.parametrize(
    ("name", "now", "is_open"),
    [
        ("XNYS", "2024-11-29T14:30", True),
        ("XNYS", "2024-11-29T14:29:59", False),
        ("XNYS", "2024-11-29T17:59:59", True),
        ("XNYS", "2024-11-29T18:00", False),
        ("XNYS", "2024-11-30T15:00", False),
        ("XHKG", "2024-11-29T04:30", True),
        ("24/7", "2024-11-30T00:00", True),
        ("XNYS", "1950-01-03T15:00", False),
        ("XNYS", "2200-01-03T15:00", False),
    ],
)
def test_an_exchange_is_open_from_its_open_to_its_close(name: str, now: str, is_open: bool) -> None:
    assert calendar(name).is_open(utc(now)) is is_open


@pytest.mark.parametrize(
    ("name", "now", "news_day", "session", "close"),
    [
        ("XNYS", "2024-11-29T17:59", "session", "2024-11-29", "2024-11-29T18:00"),
        ("XNYS", "2024-11-29T18:00", "session", "2024-12-02", "2024-12-02T21:00"),
        ("XNYS", "2024-11-29T18:00", "utc_date", "2024-11-29", "2024-11-30T00:00"),
        ("XTKS", "2024-11-29T06:30", "utc_date", "2024-11-29", "2024-11-30T00:00"),
        ("24/7", "2024-11-29T12:00", "session", "2024-11-29", "2024-11-30T00:00"),
    ],
)
def test_the_next_close_is_the_first_that_is_still_to_come(
    name: str, now: str, news_day: str, session: str, close: str
) -> None:
    assert calendar(name).next_close(utc(now), news_day) == (day(session), utc(close))


def test_after_its_last_session_a_calendar_has_no_next_close() -> None:
    assert calendar("XNYS").next_close(utc("2200-01-01T00:00"), "session") is None
