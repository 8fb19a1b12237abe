"""What ingest can see for itself it tells, and never sends."""

from collections.abc import Sequence
from pathlib import Path

from schemas.topics import NEWS, PRICES
from stream_app.ingest.job import Job
from stream_app.ingest.report import Report
from tests.integration.bad_records import BAD_ARTICLES, BAD_PRICES, Bad, article, price
from tests.integration.ingest.commands import news_in, prices_in, values_of

EACH = 3


def file_of(path: Path, good: bytes, bad: Sequence[Bad]) -> Path:
    """JSON lines: the good row, then some of a bad kind, and so on."""
    lines = [value for kind in bad for value in (good, *map(kind.value, range(EACH)))]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def check(report: Report, bad: Sequence[Bad]) -> None:
    """Every bad row is counted and its reason told."""
    assert (report.sent, report.rejected) == (len(bad), len(bad) * EACH)
    reasons = report.most_frequent()
    told = {
        kind.name: [each.rows for each in reasons if each.code == kind.reason and kind.error in each.error]
        for kind in bad
    }
    assert all(len(rows) == 1 and rows[0] >= EACH for rows in told.values()), told


async def test_every_kind_of_bad_price_is_told_and_only_the_good_ones_are_sent(job: Job, tmp_path: Path) -> None:
    await job.prices(prices_in(file_of(tmp_path / "prices.jsonl", price(0), BAD_PRICES)))
    check(job.report, BAD_PRICES)
    sent = await values_of(job, PRICES.name)
    assert len(sent) == len(BAD_PRICES)
    assert all(b"2008-09-15" in value for _, value in sent)
    assert len(set(sent)) == 1


async def test_every_kind_of_bad_article_is_told_and_only_the_good_ones_are_sent(job: Job, tmp_path: Path) -> None:
    await job.news(news_in(file_of(tmp_path / "news.jsonl", article(0), BAD_ARTICLES)))
    check(job.report, BAD_ARTICLES)
    sent = await values_of(job, NEWS.name)
    assert len(sent) == len(BAD_ARTICLES)
    assert len(set(sent)) == 1
