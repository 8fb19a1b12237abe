"""The packaged sample by day: which articles count on a day, and which days have both halves of a context."""

import csv
import datetime as dt
import gzip
from collections.abc import Sequence

from schemas import Codec, Definition, NewsArticle, Rejected
from stream_app.config import Settings, load_regions
from stream_app.contexts.closing import definition_of
from stream_app.contexts.news_days import places
from stream_app.errors import UsageError
from stream_app.models import models_in_use
from stream_app.regime.calendars import SessionCalendar, load_calendar
from stream_app.regime.windows import min_rows
from stream_app.sample import NEWS, PRICES


def check_comparable(settings: Settings, region: str, chosen: dt.date) -> None:
    """Raises UsageError, naming days near it, unless the sample gives the region's day a context with a vector."""
    regions = load_regions()
    if region not in regions:
        raise UsageError(f"There is no region {region}; the sample has prices of US, EU and JP.")
    definition = definition_of(regions[region])
    priced = price_dates(definition.instruments)[min_rows(models_in_use(settings).longest_window_days) - 1 :]
    calendar = load_calendar(definition.calendar, settings.calendar_end)
    with_news = [
        day for day, found in zip(priced, articles_of_days(definition, calendar, priced), strict=True) if found
    ]
    if chosen in with_news:
        return
    if not with_news:
        raise UsageError(f"The sample has no prices of {region}; it has those of US, EU and JP.")
    near = sorted(sorted(with_news, key=lambda day: abs(day - chosen))[:3])
    raise UsageError(
        f"The sample has no news or not enough prices for {region} on {chosen}; days near it that have both are "
        f"{', '.join(map(str, near))}."
    )


def price_dates(instruments: Sequence[str]) -> list[dt.date]:
    """The dates of the instruments' prices in the sample, ascending."""
    with gzip.open(PRICES, "rt", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return sorted({dt.date.fromisoformat(r["trade_date"]) for r in rows if r["instrument_id"] in instruments})


def articles_of_days(
    definition: Definition, calendar: SessionCalendar, days: Sequence[dt.date]
) -> list[list[NewsArticle]]:
    """For each of the days the sample's articles that count on it under the definition, in article_id order."""
    articles = _articles()
    found = places(
        [article.published_at for article in articles if article.published_at is not None],
        [article.news_date for article in articles if article.news_date is not None],
        definition,
        calendar,
        days,
    )
    return [[articles[index] for index in of_day] for of_day in found]


def _articles() -> list[NewsArticle]:
    """All of them: every one has a time and is in English, and the packaged regions take news whatever its tags."""
    codec: Codec[NewsArticle] = Codec(NewsArticle)
    decoded = [codec.decode(line) for line in NEWS.read_bytes().splitlines()]
    return sorted((a for a in decoded if not isinstance(a, Rejected)), key=lambda article: article.article_id)
