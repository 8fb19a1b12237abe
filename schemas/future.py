"""Dates that lie too far after the time at which their record was received.

The reason is `future-date`. The record's own Kafka time is the measure, never a clock: a replay decides as live did.
"""

import datetime as dt

from schemas.codec import Rejected
from schemas.news import NewsArticle
from schemas.prices import PriceClose

FUTURE_MAX_DAYS = 7
"""How far ahead a date may lie. A day at UTC+14 begins 14 hours before UTC's, a broker may take its local time for UTC,
and vendors date a session's first hours, a week's bar or an embargoed text by a day to come, beyond a long weekend too.
A swapped day and month or a mistyped year lies further out, as a rule."""

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
EPOCH_DAY = EPOCH.toordinal()
DAY_MS = 86_400_000


def too_far_ahead(event: PriceClose | NewsArticle, received_ms: int) -> Rejected | None:
    """Why an event cannot be used whose record was received at this Kafka time (milliseconds), if so.

    What is retracted may lie anywhere: it must always be possible to take a record back. Old dates are always fine.
    """
    if event.retracted:
        return None
    if isinstance(event, PriceClose):
        # in whole numbers, because each price passes here
        days = event.trade_date.toordinal() - EPOCH_DAY - received_ms // DAY_MS
        return _rejected("trade_date", event.trade_date, received_ms) if days > FUTURE_MAX_DAYS else None
    published = event.published_at
    if published is None or published - EPOCH <= dt.timedelta(days=FUTURE_MAX_DAYS, milliseconds=received_ms):
        return None
    return _rejected("published_at", published, received_ms)


def _rejected(name: str, value: dt.date, received_ms: int) -> Rejected:
    received = EPOCH + dt.timedelta(milliseconds=received_ms)
    told = f"{name} is {value}, over {FUTURE_MAX_DAYS} days after the record's time, {received:%Y-%m-%d %H:%M} UTC"
    return Rejected("future-date", told)
