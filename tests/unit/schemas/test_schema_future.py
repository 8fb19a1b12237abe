"""Dates too far after the time at which their record was received are refused, whatever any clock says."""

import datetime as dt
from pathlib import Path

import pytest

import schemas
from schemas import FUTURE_MAX_DAYS, NewsArticle, PriceClose, Rejected, too_far_ahead

RECEIVED = dt.datetime(2008, 9, 15, 22, 30, tzinfo=dt.UTC)
RECEIVED_MS = int(RECEIVED.timestamp() * 1000)
AHEAD = dt.timedelta(days=FUTURE_MAX_DAYS)
ONE_DAY, ONE_MS = dt.timedelta(days=1), dt.timedelta(milliseconds=1)


def price(day: dt.date) -> PriceClose:
    return PriceClose(instrument_id="A", trade_date=day, close=1.0, volume=0.0)


def article(published_at: dt.datetime) -> NewsArticle:
    return NewsArticle(article_id="a", published_at=published_at, headline="h")


@pytest.mark.parametrize(
    "event",
    [
        price(dt.date(1678, 1, 1)),
        price(RECEIVED.date()),
        price(RECEIVED.date() + AHEAD),
        article(dt.datetime(1678, 1, 1, tzinfo=dt.UTC)),
        article(RECEIVED + AHEAD),
        article((RECEIVED + AHEAD).astimezone(dt.timezone(dt.timedelta(hours=14)))),
        PriceClose(instrument_id="A", trade_date=dt.date(2261, 12, 31), retracted=True),
        NewsArticle(article_id="a", published_at=RECEIVED + 2 * AHEAD, retracted=True),
        NewsArticle(article_id="a", retracted=True),
    ],
)
def test_old_dates_those_of_the_next_days_and_retractions_are_fine(event: PriceClose | NewsArticle) -> None:
    assert too_far_ahead(event, RECEIVED_MS) is None


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (
            price(RECEIVED.date() + AHEAD + ONE_DAY),
            "trade_date is 2008-09-23, over 7 days after the record's time, 2008-09-15 22:30 UTC",
        ),
        (
            article(RECEIVED + AHEAD + ONE_MS),
            "published_at is 2008-09-22 22:30:00.001000+00:00, over 7 days after the record's time, "
            "2008-09-15 22:30 UTC",
        ),
    ],
)
def test_what_lies_further_ahead_is_refused_until_its_time_has_come(
    event: PriceClose | NewsArticle, error: str
) -> None:
    assert too_far_ahead(event, RECEIVED_MS) == Rejected("future-date", error)
    assert too_far_ahead(event, RECEIVED_MS + 86_400_000) is None


def test_the_documents_say_how_far_ahead_is_too_far() -> None:
    told = f"{FUTURE_MAX_DAYS} days after"
    assert all(told in " ".join((event.__doc__ or "").split()) for event in (PriceClose, NewsArticle))
    assert told in (Path(schemas.__file__).parent / "README.md").read_text()
