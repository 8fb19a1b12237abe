"""What travels on `news.articles`."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.fields import Instant, Metadata, Version1, check_year, version_1

REGION_TAGS_MAX = 64

ArticleId = Annotated[str, Meta(min_length=1, max_length=200)]
RegionTag = Annotated[str, Meta(min_length=1, max_length=64)]


class NewsArticle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One article. Key and natural key: article_id.

    The newest record of an article_id is current. `retracted` takes the article back and needs only the article_id;
    any other record needs a headline or a body that is not empty, and published_at, at most 7 days after its own Kafka
    time. `published_at` lies in the years 1678 to 2261. With `time_precision = "date"` only the date is known:
    `published_at` is then 23:59:59 in the source's own offset, so that nobody uses it before its day is over, and that
    local date is the article's news date.
    """

    schema_version: Version1 = msgspec.field(default_factory=version_1)
    article_id: ArticleId
    published_at: Instant | None = None
    headline: Annotated[str, Meta(max_length=2000)] | None = None
    body: str | None = None
    language: Annotated[str, Meta(max_length=16)] | None = None
    source: Annotated[str, Meta(max_length=200)] | None = None
    regions: Annotated[tuple[RegionTag, ...], Meta(max_length=REGION_TAGS_MAX)] = ()
    time_precision: Literal["time", "date"] = "time"
    metadata: Metadata | None = None
    retracted: bool = False

    def __post_init__(self) -> None:
        if self.published_at is not None:
            self._check_time(self.published_at)
        if not self.retracted:
            if self.published_at is None:
                raise ValueError("published_at is missing")
            if not self.text:
                raise ValueError("headline and body are both empty")

    def _check_time(self, published: dt.datetime) -> None:
        check_year("published_at", published)
        if self.time_precision == "date" and (published.hour, published.minute, published.second) != (23, 59, 59):
            raise ValueError("published_at of a date-only record must be 23:59:59 in its own offset")

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
