"""An article's text and day: PARITY's rules."""

import datetime as dt
from typing import Any

import pytest

from schemas import Codec, NewsArticle, Rejected, encode

NEWS: Codec[NewsArticle] = Codec(NewsArticle)
UTC = dt.UTC


def article(**fields: Any) -> NewsArticle:
    published = {"published_at": dt.datetime(2008, 9, 15, 5, 45, tzinfo=UTC)}
    return NewsArticle(**{"article_id": "a", **published, **fields})


@pytest.mark.parametrize(
    ("headline", "body", "text"),
    [
        ("Head", "Body", "Head Body"),
        ("Head", None, "Head"),
        ("Head", "", "Head "),
        (None, "Body", "Body"),
        ("", "Body", " Body"),
        ("", "", " "),
        (" Head ", "\nBody\n", " Head  \nBody\n"),
    ],
)
def test_the_text_is_headline_space_body_or_the_one_that_there_is(
    headline: str | None, body: str | None, text: str
) -> None:
    assert article(headline=headline, body=body).text == text


@pytest.mark.parametrize(("headline", "body"), [(None, None), ("", None), (None, "")])
def test_an_article_without_text_is_refused_unless_it_is_taken_back(headline: str | None, body: str | None) -> None:
    with pytest.raises(ValueError, match="both empty"):
        article(headline=headline, body=body)
    taken_back = article(headline=headline, body=body, retracted=True)
    assert taken_back.text == ""
    assert NEWS.decode(encode(taken_back)) == taken_back


@pytest.mark.parametrize(("offset_hours", "day"), [(-10, 16), (0, 15), (9, 15)])
def test_a_timed_article_counts_on_its_day_in_utc(offset_hours: int, day: int) -> None:
    zone = dt.timezone(dt.timedelta(hours=offset_hours))
    assert article(headline="h", published_at=dt.datetime(2008, 9, 15, 20, 0, tzinfo=zone)).news_date == dt.date(
        2008, 9, day
    )


@pytest.mark.parametrize("offset_hours", [-10, 0, 9, 14])
def test_a_date_only_article_counts_on_the_date_in_its_own_offset(offset_hours: int) -> None:
    zone = dt.timezone(dt.timedelta(hours=offset_hours))
    published = dt.datetime(2008, 9, 15, 23, 59, 59, tzinfo=zone)
    dated = article(headline="h", published_at=published, time_precision="date")
    decoded = NEWS.decode(encode(dated))
    assert not isinstance(decoded, Rejected)
    assert decoded.news_date == dated.news_date == dt.date(2008, 9, 15)


def test_a_date_only_article_says_the_end_of_its_day() -> None:
    with pytest.raises(ValueError, match="23:59:59"):
        article(headline="h", time_precision="date")


def test_a_retraction_needs_only_the_article_id() -> None:
    assert NewsArticle(article_id="a", retracted=True).news_date is None
