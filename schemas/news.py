"""What travels on `news.articles`."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

ArticleId = Annotated[str, Meta(min_length=1, max_length=200)]


class NewsArticle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One article. Key and natural key: article_id.

    The newest record of an article_id is current. `retracted` takes the article back and needs only the article_id.
    With `time_precision = "date"` only the date is known: `published_at` is then 23:59:59 in the source's own offset,
    and that local date is the article's news date.
    """

    schema_version: Literal[1] = 1
    article_id: ArticleId
    published_at: Annotated[dt.datetime, Meta(tz=True)] | None = None
    headline: Annotated[str, Meta(max_length=2000)] | None = None
    body: str | None = None
    language: Annotated[str, Meta(max_length=16)] | None = None
    source: Annotated[str, Meta(max_length=200)] | None = None
    regions: tuple[Annotated[str, Meta(max_length=64)], ...] = ()
    time_precision: Literal["time", "date"] = "time"
    metadata: dict[str, Any] | None = None
    retracted: bool = False

    def __post_init__(self) -> None:
        if not self.retracted:
            if self.published_at is None:
                raise ValueError("published_at is missing")
            if not self.text:
                raise ValueError("headline and body are both empty")

    @property
    def text(self) -> str:
        """PARITY.md's COALESCE(headline || ' ' || body, body, headline), nothing trimmed; empty when both are."""
        if self.headline is not None and self.body is not None:
            return f"{self.headline} {self.body}"
        return self.body if self.body is not None else self.headline or ""

    @property
    def news_date(self) -> dt.date | None:
        """The day the article counts on under news_day = "utc_date": UTC's, or the local one of a date-only record."""
        if self.published_at is None:
            return None
        if self.time_precision == "date":
            return self.published_at.date()
        return self.published_at.astimezone(dt.UTC).date()
