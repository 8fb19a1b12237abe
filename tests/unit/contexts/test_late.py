"""Which triggered days a record touches: a mark too few is a context never corrected, one too many only costs time."""

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Definition
from stream_app.contexts.late import (
    LONGEST_NEWS_WINDOW_DAYS,
    Reach,
    history_days,
    reach_of_prices,
    touched_by_articles,
    touched_by_prices,
)
from stream_app.models import LookBack
from stream_app.regime.calendars import SessionCalendar, load_calendar
from stream_app.regime.windows import lookback_days
from stream_app.store.late_marks import TriggeredDay
from stream_app.store.news import ArticleVersion
from stream_app.store.prices import Series

FIRST = dt.date(2008, 9, 1)
WINDOW_DAYS = 3


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def definition(**more: Any) -> Definition:
    given: dict[str, Any] = {
        "calendar": "X",
        "instruments": ("A",),
        "languages": ("en",),
        "news": "all",
        "news_day": "session",
    }
    return Definition(**(given | more))


def window(days: set[int], as_of: int) -> list[int]:
    """PARITY's window in plain Python: the last rows of those within the lookback."""
    oldest = as_of - lookback_days(WINDOW_DAYS)
    return sorted(d for d in days if oldest <= d <= as_of)[-WINDOW_DAYS:]


day_sets = st.sets(st.integers(0, 30), max_size=12)


@given(day_sets, st.integers(0, 30))
def test_a_price_reaches_every_day_whose_window_holds_or_held_it_and_no_other_after_it(
    others: set[int], changed: int
) -> None:
    for after in (others | {changed}, others - {changed}):
        dates = sorted(after)
        series = Series.of([day(n) for n in dates], [1.0] * len(dates), [1.0] * len(dates))
        reach = reach_of_prices("A", series, {day(changed): 7}, LookBack(WINDOW_DAYS))[0]
        held = {n for n in range(60) if changed in window(others | {changed}, n)}
        reached = {n for n in range(60) if reach.first <= day(n) <= reach.last}
        assert reached == held
        assert (reach.instrument_id, reach.log_offset) == ("A", 7)


@pytest.mark.parametrize("name", ["XNYS", "XTKS", "XHKG", "XSHG", "XFRA", "XBOM", "24/7"])
@pytest.mark.parametrize("sessions", [2, 5, 63, 512])
def test_the_history_of_a_label_lies_within_the_days_that_are_reached(name: str, sessions: int) -> None:
    days = load_calendar(name, dt.date(2030, 12, 31)).sessions
    spans = (days[sessions - 1 :] - days[: len(days) - sessions + 1]).astype(np.int64)
    assert spans.max() <= history_days(sessions)


def test_without_labels_a_price_reaches_no_further_than_its_windows() -> None:
    assert history_days(1) == 0


reaches = st.lists(
    st.builds(
        lambda name, first, length, offset: Reach(name, day(first), day(first + length), offset),
        st.sampled_from("ABC"),
        st.integers(0, 20),
        st.integers(0, 8),
        st.integers(0, 99),
    ),
    max_size=8,
)
triggered = st.lists(
    st.builds(
        lambda region, n, names: TriggeredDay(region, day(n), definition(instruments=tuple(names))),
        st.sampled_from(("US", "EU")),
        st.integers(0, 25),
        st.lists(st.sampled_from("ABX"), min_size=1, max_size=2, unique=True),
    ),
    max_size=8,
)


@given(reaches, triggered)
def test_a_day_is_touched_by_the_newest_price_that_reaches_it(found: list[Reach], days: list[TriggeredDay]) -> None:
    expected = []
    for each in days:
        offsets = [
            reach.log_offset
            for reach in found
            if reach.instrument_id in each.definition.instruments and reach.first <= each.as_of <= reach.last
        ]
        expected += [(each, max(offsets))] if offsets else []
    assert list(touched_by_prices(found, days)) == expected


CLOSES = [dt.datetime(2008, 9, n, 20, tzinfo=dt.UTC) for n in (1, 2, 3, 4)]
CALENDAR = SessionCalendar(
    "X",
    np.array([c.date() for c in CLOSES], dtype="datetime64[D]"),
    np.array([c.replace(tzinfo=None) for c in CLOSES], dtype="datetime64[us]"),
    np.array([c.replace(hour=14, tzinfo=None) for c in CLOSES], dtype="datetime64[us]"),
)


def version(article_id: str, published_at: dt.datetime | None, offset: int, **more: Any) -> ArticleVersion:
    given: dict[str, Any] = {
        "language": "EN",
        "tags": (),
        "log_epoch": 1,
        "log_partition": 0,
        "log_offset": offset,
    } | more
    news_date = None if published_at is None else published_at.date()
    return ArticleVersion(article_id=article_id, published_at=published_at, news_date=news_date, **given)


def touched(versions: list[ArticleVersion], **of_definition: Any) -> list[tuple[str, int, int]]:
    days = [TriggeredDay("UK", day(n), definition(**of_definition)) for n in (1, 2)]
    return [(d.region, d.as_of.day, v.log_offset) for d, v in touched_by_articles(versions, days, lambda _: CALENDAR)]


def test_an_article_touches_the_day_in_whose_window_it_lies_with_its_newest_version() -> None:
    at_close, after = CLOSES[1], CLOSES[1] + dt.timedelta(microseconds=1)
    assert touched([version("a", at_close, 1), version("b", after, 2), version("c", after, 5)]) == [
        ("UK", 2, 1),
        ("UK", 3, 5),
    ]
    assert touched([version("a", CLOSES[0], 1)]) == []
    assert touched([version("a", CLOSES[0], 9, log_epoch=1), version("b", at_close, 1, log_epoch=2)]) == [("UK", 2, 1)]


@pytest.mark.parametrize("name", ["XNYS", "XLON", "XTKS", "XHKG", "XSHG"])
def test_no_news_window_is_longer_than_the_days_in_which_late_news_looks_for_its_day(name: str) -> None:
    closes = load_calendar(name, dt.date(2035, 12, 31)).closes
    assert (closes[1:] - closes[:-1]).max() < np.timedelta64(LONGEST_NEWS_WINDOW_DAYS, "D")


def test_under_the_utc_date_rule_an_article_touches_its_news_date() -> None:
    assert touched([version("a", CLOSES[1], 1)], news_day="utc_date") == [("UK", 2, 1)]


def test_an_article_of_another_language_tag_or_none_at_all_touches_nothing() -> None:
    inside = CLOSES[1]
    assert touched([version("a", inside, 1, language=None), version("b", inside, 2, language="de")]) == []
    assert touched([version("a", None, 1)]) == []
    assert touched([version("a", inside, 1, tags=("US",))], news="tagged") == []
    assert touched([version("a", inside, 1, tags=("US",))]) == [("UK", 2, 1)]
    assert touched([version("a", inside, 1, tags=("US", "GB"))], news="tagged") == [("UK", 2, 1)]
    assert touched([version("a", inside, 1)], news="tagged") == [("UK", 2, 1)]


def test_days_of_several_regions_and_definitions_are_each_judged_by_their_own() -> None:
    one, other = definition(), definition(languages=("de",))
    days = [TriggeredDay("US", day(1), one), TriggeredDay("US", day(1), other), TriggeredDay("EU", day(1), one)]
    found = list(touched_by_articles([version("a", CLOSES[1], 1)], days, lambda _: CALENDAR))
    assert [d for d, _ in found] == [days[0], days[2]]
