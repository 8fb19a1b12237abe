"""Files through the real broker: what arrives, which days are closed, and how the command ends."""

import asyncio
import datetime as dt
import gzip
import json
import signal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas import Codec, NewsArticle, PriceClose
from schemas.topics import NEWS, PRICES
from stream_app.config import Settings
from stream_app.errors import Fatal
from stream_app.ingest import waiting
from stream_app.ingest.job import Job
from stream_app.ingest.waiting import Waited
from stream_app.ingest.workers import STAGES, watching_workers
from stream_app.sample import NEWS as SAMPLE_NEWS
from stream_app.sample import PRICES as SAMPLE_PRICES
from stream_app.store import triggers
from stream_app.store.database import connection
from tests.integration.ingest.commands import WEEK, command, news_in, prices_in, run, stages, started, values_of
from tests.integration.pipeline import until


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "NO_WORKER_SECONDS", 0.0)


async def closed_days(job: Job, region: str) -> list[str]:
    async with connection(job.services.pool) as conn:
        found = await triggers.triggered_days(conn, region, dt.date(1990, 1, 1), dt.date(2030, 1, 1))
    return sorted(map(str, found))


def week_of_prices(path: Path) -> Path:
    path.write_text(
        "instrument_id,trade_date,close,volume\n" + "".join(f"SPX.US,{day},1200.5,8000000000\n" for day in WEEK)
    )
    return path


async def test_every_row_of_the_sample_arrives_once_under_its_key(job: Job) -> None:
    await job.prices(prices_in(SAMPLE_PRICES))
    await job.news(news_in(SAMPLE_NEWS))
    prices, news = Codec[PriceClose](PriceClose), Codec[NewsArticle](NewsArticle)
    closes = [(key, prices.decode(value)) for key, value in await values_of(job, PRICES.name)]
    articles = [(key, news.decode(value)) for key, value in await values_of(job, NEWS.name)]
    assert job.report.sent == len(closes) + len(articles) == 3002 + 334
    assert all(isinstance(e, PriceClose) and key == e.instrument_id.encode() for key, e in closes)
    assert all(isinstance(e, NewsArticle) and key == e.article_id.encode() for key, e in articles)
    dates = [e.trade_date for _, e in closes if isinstance(e, PriceClose) and e.instrument_id == "SPX.US"]
    assert dates == sorted(set(dates))


@pytest.mark.usefixtures("impatient")
async def test_prices_close_the_days_they_cover_once_and_say_that_no_worker_runs(job: Job, tmp_path: Path) -> None:
    coverage = await job.prices(prices_in(week_of_prices(tmp_path / "prices.csv")))
    first = await job.close_prices(coverage)
    assert (dict(first.closed), first.waited) == ({"US": 5}, Waited.NO_WORKER)
    again = await job.close_prices(coverage)
    assert (dict(again.closed), dict(again.days)) == ({"US": 0}, dict(first.days))
    assert (first.closed_before, again.closed_before) == (0, 5)
    assert await closed_days(job, "US") == list(WEEK)
    assert await closed_days(job, "EU") == []


async def test_a_day_that_is_not_over_stays_open(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    tomorrow = job.services.clock.now().date() + dt.timedelta(days=1)
    path.write_text(f"instrument_id,trade_date,close,volume\nBTC.CRYPTO,{tomorrow},1,1\n")
    closed = await job.close_prices(await job.prices(prices_in(path)))
    assert (dict(closed.days), closed.waited) == ({}, Waited.DONE)


@pytest.mark.usefixtures("impatient")
async def test_news_closes_the_sessions_it_counts_on_where_there_is_a_price(job: Job, tmp_path: Path) -> None:
    news = tmp_path / "news.csv"
    news.write_text(
        "article_id,published_at,headline\n"
        "weekend,2008-09-13T12:00:00Z,counts on Monday the 15th\n"
        "evening,2008-09-16T21:00:00Z,counts on Wednesday the 17th\n"
        "later,2008-09-18T12:00:00Z,a day without a price\n"
    )
    async with stages(job, "prices"):
        await job.prices(prices_in(week_of_prices(tmp_path / "prices.csv")))
        coverage = job.news_coverage()
        await job.news(news_in(news), coverage)
        closed = await job.close_news(coverage)
    assert (dict(closed.closed), closed.closed_before) == ({"US": 2}, 0)
    assert await closed_days(job, "US") == ["2008-09-15", "2008-09-17"]
    assert job.report.unread == 3, "the file has no column for the language"


@pytest.mark.usefixtures("impatient")
async def test_news_closes_nothing_while_nobody_applies_the_prices(job: Job, tmp_path: Path) -> None:
    await job.prices(prices_in(week_of_prices(tmp_path / "prices.csv")))
    coverage = job.news_coverage()
    await job.news(news_in(SAMPLE_NEWS), coverage)
    with pytest.raises(Fatal, match="No day was closed: the prices in the log are not applied yet"):
        await job.close_news(coverage)
    assert await closed_days(job, "US") == []


@pytest.mark.usefixtures("model")
async def test_with_a_worker_the_wait_ends_when_every_covered_day_is_computed(job: Job, tmp_path: Path) -> None:
    async with stages(job, *STAGES):
        coverage = await job.prices(prices_in(week_of_prices(tmp_path / "prices.csv")))
        closed = await job.close_prices(coverage)
        news = job.news_coverage()
        await job.news(news_in(SAMPLE_NEWS), news)
        of_news = await job.close_news(news)
    assert (dict(closed.closed), closed.waited) == ({"US": 5}, Waited.DONE)
    assert ([str(day) for day in of_news.days["US"]], of_news.waited) == (list(WEEK[2:]), Waited.DONE)
    assert job.report.unread == 0, "the sample is in English"


async def test_a_stage_without_a_worker_is_told_from_one_with(job: Job) -> None:
    async with watching_workers(job.endpoints.kafka, job.services.settings.topic_prefix) as watch:
        assert await watch.without_members() == list(STAGES)
        async with stages(job, "prices"):
            assert await watch.without_members() == ["news", "contexts"]
            assert not await watch.ready()


def test_the_command_reports_rejected_rows_with_their_reasons_and_ends_well(settings: Settings, tmp_path: Path) -> None:
    path = week_of_prices(tmp_path / "prices.csv")
    path.write_text(path.read_text() + "SPX.US,2008-09-18,1206.5,\nSPX.US,2008-09-19,NaN,1\nSPX.US,2008-09-22,1.5,\n")
    done = run(settings, "prices", str(path))
    assert done.returncode == 0, done.stderr
    assert "8 rows read: 5 sent, 3 rejected" in done.stdout
    assert "2  volume is missing (0 means unknown)  prices.csv:7, prices.csv:9" in done.stdout
    assert "1  close is not a finite number" in done.stdout
    assert done.stderr == ""


def test_the_command_fails_when_nothing_could_be_sent(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("instrument_id,trade_date,close,volume\nSPX.US,2008-09-18,1206.5,\n")
    done = run(settings, "prices", str(path))
    assert (done.returncode, done.stderr) == (1, "Nothing was sent.\n")


async def test_a_table_and_standard_input_arrive_as_the_same_prices(
    job: Job, settings: Settings, tmp_path: Path
) -> None:
    text = "ticker,trade_date,close,adj_close\n" + "".join(f"SPX.US,{day},1,1200.5\n" for day in WEEK)
    days = [dt.date.fromisoformat(day) for day in WEEK]
    table = pa.table({"ticker": ["SPX.US"] * 5, "trade_date": days, "close": ["1"] * 5, "adj_close": [1200.5] * 5})
    pq.write_table(table, tmp_path / "prices")
    told = ("--map", "instrument_id=ticker", "--map", "close=adj_close", "--missing-volume", "zero")
    for name, given in (("-", gzip.compress(text.encode())), (str(tmp_path / "prices"), b"")):
        done = await asyncio.to_thread(run, settings, "prices", name, *told, given=given)
        assert (done.returncode, done.stderr) == (0, "")
        assert "5 rows read: 5 sent, 0 rejected" in done.stdout
    found = [Codec[PriceClose](PriceClose).decode(value) for _, value in await values_of(job, PRICES.name)]
    expected = [
        PriceClose(instrument_id="SPX.US", trade_date=day, close=1200.5, volume=0.0, metadata={"close": "1"})
        for day in days
    ]
    assert found == expected + expected


async def test_a_record_over_a_mebibyte_is_refused_and_never_sent(job: Job, settings: Settings) -> None:
    lines = [
        {"article_id": name, "published_at": "2008-09-15T05:00:00Z", "body": body, "language": "en"}
        for name, body in (("large", "x" * 1024 * 1024), ("small", "x"))
    ]
    given = "".join(json.dumps(line) + "\n" for line in lines).encode()
    done = await asyncio.to_thread(run, settings, "news", "-", given=given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 rows read: 1 sent, 1 rejected" in done.stdout
    assert "1  too-large: the value has 10486" in done.stdout
    assert "standard input:1" in done.stdout
    assert [key for key, _ in await values_of(job, NEWS.name)] == [b"small"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--map", "cloze=px"),
            "Error: --map cloze=px: prices have no field 'cloze'; their fields are schema_version,",
        ),
        (("--map", "close=px"), "Error: standard input has the columns 'close'; --map also needs 'px'."),
        (("--missing-volume", "guess"), "'guess' is not one of 'reject', 'zero'."),
    ],
)
def test_what_cannot_be_told_is_a_usage_error(settings: Settings, words: tuple[str, ...], told: str) -> None:
    done = run(settings, "prices", "-", *words, given=b"close\n1\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_the_command_refuses_a_missing_file_in_a_sentence(settings: Settings, tmp_path: Path) -> None:
    done = run(settings, "news", str(tmp_path / "none.jsonl"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: There is no file {tmp_path / 'none.jsonl'}.\n"


async def test_ctrl_c_in_the_middle_says_how_far_it_got(job: Job, settings: Settings, tmp_path: Path) -> None:
    await job.prices(prices_in(week_of_prices(tmp_path / "week.csv")))
    topic, rows = job.services.topic(PRICES.name), 600_000
    path = tmp_path / "many.csv"
    path.write_text("instrument_id,trade_date,close,volume\n" + "X.US,2008-09-15,1200.5,8000000000\n" * rows)

    async def begun() -> bool:
        return sum(await job.services.log.end_offsets(topic)) > len(WEEK)

    with started(*command(settings, "prices", str(path))) as process:
        await until(begun, "rows sent")
        process.send_signal(signal.SIGINT)
        said, complained = await asyncio.to_thread(process.communicate)
    assert process.returncode == 130
    sent = int(said.split(" rows read: ")[1].split(" sent")[0].replace(",", "")) if said else 0
    there = sum(await job.services.log.end_offsets(topic)) - len(WEEK)
    assert sent <= there < rows
    assert "It is safe to repeat the command" in complained or complained.startswith("Nothing was sent.")
    assert "Traceback" not in complained
