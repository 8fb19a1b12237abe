"""Which days files cover, and what the report keeps of a file with many bad rows."""

import datetime as dt
from pathlib import Path
from typing import Any, cast

import pytest

from schemas import NewsArticle, PriceClose, Rejected
from stream_app.config import RegionConfig
from stream_app.ingest.coverage import NewsCoverage, PriceCoverage
from stream_app.ingest.display import report_line
from stream_app.ingest.files import look_at
from stream_app.ingest.kinds import NEWS_ARTICLES
from stream_app.ingest.reading import reading
from stream_app.ingest.report import EXAMPLES, OTHER, REASONS_MAX, Report
from stream_app.ingest.sending import CHUNK_BYTES, Chunk, _chunks
from stream_app.regime.calendars import SessionCalendar, load_calendar
from tests.unit.ingest.times import CLOCK

US = RegionConfig(calendar="XNYS", instruments=("SPX.US", "NDX.US"))


@pytest.fixture(scope="module")
def new_york() -> SessionCalendar:
    return load_calendar("XNYS", dt.date(2030, 12, 31))


def close(instrument: str, day: str) -> PriceClose:
    return PriceClose(instrument_id=instrument, trade_date=dt.date.fromisoformat(day), close=1.0, volume=1.0)


def article(published: str, precision: str = "time") -> NewsArticle:
    time = dt.datetime.fromisoformat(published)
    return NewsArticle(article_id=published, published_at=time, headline="h", time_precision=cast(Any, precision))


def test_prices_cover_the_sessions_from_the_first_to_the_last_date_of_the_regions_instruments(
    new_york: SessionCalendar,
) -> None:
    coverage = PriceCoverage()
    coverage.add([close("NDX.US", "2008-09-05"), close("DAX.EU", "2008-08-01"), close("SPX.US", "2008-09-03")])
    coverage.add([close("SPX.US", "2008-08-29"), close("SPX.US", "2008-09-02")])
    days = coverage.days(US, new_york)
    # Monday 2008-09-01 is Labor Day
    assert [str(day) for day in days] == ["2008-08-29", "2008-09-02", "2008-09-03", "2008-09-04", "2008-09-05"]


def test_prices_of_other_instruments_cover_nothing(new_york: SessionCalendar) -> None:
    coverage = PriceCoverage()
    coverage.add([close("DAX.EU", "2008-08-01")])
    assert coverage.days(US, new_york) == []


def test_days_that_the_calendar_does_not_know_are_not_covered(new_york: SessionCalendar) -> None:
    coverage = PriceCoverage()
    coverage.add([close("SPX.US", "1950-01-03"), close("SPX.US", "1985-01-04")])
    assert [str(day) for day in coverage.days(US, new_york)] == ["1985-01-03", "1985-01-04"]
    coverage = PriceCoverage()
    coverage.add([close("SPX.US", "1950-01-03")])
    assert coverage.days(US, new_york) == []


def test_news_covers_the_sessions_whose_news_window_holds_it(new_york: SessionCalendar) -> None:
    coverage = NewsCoverage({"US": US}, {"US": new_york})
    coverage.add([article("2008-09-13T12:00:00+00:00"), article("2008-09-15T20:00:00+00:00")])
    assert [str(day) for day in coverage.days("US")] == ["2008-09-15"]
    coverage.add([article("2008-09-15T20:00:01+00:00"), NewsArticle(article_id="gone", retracted=True)])
    assert [str(day) for day in coverage.days("US")] == ["2008-09-15", "2008-09-16"]


def test_news_of_a_region_by_date_covers_its_news_date_if_that_is_a_session(new_york: SessionCalendar) -> None:
    by_date = US.model_copy(update={"news_day": "utc_date"})
    coverage = NewsCoverage({"US": by_date}, {"US": new_york})
    coverage.add([article("2008-09-13T12:00:00+00:00"), article("2008-09-15T23:59:59-04:00", "date")])
    assert [str(day) for day in coverage.days("US")] == ["2008-09-15"]
    assert coverage.days("EU") == []


def test_a_report_groups_reasons_and_keeps_the_first_examples() -> None:
    report = Report(read=10, sent=3)
    for line in range(6):
        report.reject(Path("a/b.csv"), str(line), Rejected("not-json", f"malformed (byte {line})"))
    report.reject(Path("a/b.csv"), "7-9", Rejected("not-json", "NaN is no number in JSON (byte 7)"))
    reason, other = report.most_frequent()
    assert (reason.rows, reason.examples) == (6, [f"b.csv:{line}" for line in range(EXAMPLES)])
    assert (other.rows, other.examples) == (1, ["b.csv:7-9"])
    assert report_line(report) == "10 rows read: 3 sent, 7 rejected (0 rows/s)."


def test_a_report_of_endless_reasons_is_bounded() -> None:
    report = Report()
    for line in range(10 * REASONS_MAX):
        report.reject(Path("b.csv"), str(line), Rejected("invalid", f"reason {line}"))
    assert len(report.reasons) == REASONS_MAX + 1
    assert report.rejected == 10 * REASONS_MAX
    assert report.most_frequent()[0].code == OTHER


def test_a_chunk_of_large_rows_is_bounded_by_bytes(tmp_path: Path) -> None:
    body = "x" * 1_000_000
    line = f'{{"article_id":"a","published_at":"2008-09-15T05:00:00Z","body":"{body}"}}\n'
    path = tmp_path / "news.jsonl"
    path.write_text(line * 12)
    source = look_at(path)
    with reading(source, NEWS_ARTICLES) as found:
        chunks: list[Chunk[NewsArticle]] = list(_chunks(source, found, NEWS_ARTICLES, CLOCK))
    assert sum(len(chunk.records) for chunk in chunks) == 12
    assert max(sum(len(r.value) for r in chunk.records) for chunk in chunks) < CHUNK_BYTES + 1_100_000
    assert chunks[-1].read_bytes == source.size_bytes
