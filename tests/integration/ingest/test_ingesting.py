"""Files through the real broker: what arrives, which days are closed, and how the command ends."""

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.progress import Progress

from schemas import Codec, NewsArticle, PriceClose
from schemas.topics import NEWS, PRICES
from stream_app.config import Settings
from stream_app.embedded import Endpoints
from stream_app.errors import Fatal
from stream_app.ingest import waiting
from stream_app.ingest.display import Bars
from stream_app.ingest.job import Job
from stream_app.ingest.waiting import Waited
from stream_app.ingest.workers import STAGES, watching_workers
from stream_app.sample import NEWS as SAMPLE_NEWS
from stream_app.sample import PRICES as SAMPLE_PRICES
from stream_app.services import open_services
from stream_app.store import triggers
from stream_app.store.database import connection
from stream_app.worker import run_stage
from tests.integration.pipeline import until

WEEK = ("2008-09-11", "2008-09-12", "2008-09-15", "2008-09-16", "2008-09-17")


@pytest.fixture
def settings(endpoints: Endpoints, database_url: str, topic_prefix: str) -> Settings:
    return Settings(
        kafka_url=endpoints.kafka_url,
        database_url=SecretStr(database_url),
        topic_prefix=topic_prefix,
        topic_partitions=3,
    )


@pytest.fixture
async def job(settings: Settings, endpoints: Endpoints, database_url: str) -> AsyncIterator[Job]:
    own = Endpoints(endpoints.kafka_url, database_url)
    async with open_services(settings, own) as services:
        yield Job(services, own, Bars(Progress(disable=True)))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "NO_WORKER_SECONDS", 0.0)


@asynccontextmanager
async def stages(job: Job, *names: str) -> AsyncIterator[None]:
    """A worker of these stages, ready."""
    stop = asyncio.Event()
    running = [run_stage(job.services.settings, job.endpoints, name, stop=stop) for name in names]
    tasks = [asyncio.ensure_future(each) for each in running]
    try:
        async with watching_workers(job.endpoints.kafka_url, job.services.settings.topic_prefix) as watch:

            async def joined() -> bool:
                return not set(names) & set(await watch.without_members())

            await until(joined, f"members of {names}")
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def values_of(job: Job, topic: str) -> list[tuple[bytes, bytes]]:
    """Key and value of every record of a topic, partition by partition."""
    name, log = job.services.topic(topic), job.services.log
    found = []
    for partition, end in enumerate(await log.end_offsets(name)):
        async for batch in log.records(name, partition, 0, end):
            found += [(record.key, record.value) for record in batch]
    return found


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
    await job.prices([SAMPLE_PRICES])
    await job.news([SAMPLE_NEWS])
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
    coverage = await job.prices([week_of_prices(tmp_path / "prices.csv")])
    first = await job.close_prices(coverage)
    assert (dict(first.closed), first.waited) == ({"US": 5}, Waited.NO_WORKER)
    again = await job.close_prices(coverage)
    assert (dict(again.closed), dict(again.days)) == ({"US": 0}, dict(first.days))
    assert (first.closed_before, again.closed_before) == (0, 5)
    assert await closed_days(job, "US") == list(WEEK)
    assert await closed_days(job, "EU") == []


async def test_a_day_that_is_not_over_stays_open(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("instrument_id,trade_date,close,volume\nBTC.CRYPTO,2034-01-02,1,1\n")
    closed = await job.close_prices(await job.prices([path]))
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
        await job.prices([week_of_prices(tmp_path / "prices.csv")])
        coverage = job.news_coverage()
        await job.news([news], coverage)
        closed = await job.close_news(coverage)
    assert (dict(closed.closed), closed.closed_before) == ({"US": 2}, 0)
    assert await closed_days(job, "US") == ["2008-09-15", "2008-09-17"]
    assert job.report.unread == 3, "the file has no column for the language"


@pytest.mark.usefixtures("impatient")
async def test_news_closes_nothing_while_nobody_applies_the_prices(job: Job, tmp_path: Path) -> None:
    await job.prices([week_of_prices(tmp_path / "prices.csv")])
    coverage = job.news_coverage()
    await job.news([SAMPLE_NEWS], coverage)
    with pytest.raises(Fatal, match="No day was closed: the prices in the log are not applied yet"):
        await job.close_news(coverage)
    assert await closed_days(job, "US") == []


@pytest.mark.usefixtures("model")
async def test_with_a_worker_the_wait_ends_when_every_covered_day_is_computed(job: Job, tmp_path: Path) -> None:
    async with stages(job, *STAGES):
        coverage = await job.prices([week_of_prices(tmp_path / "prices.csv")])
        closed = await job.close_prices(coverage)
        news = job.news_coverage()
        await job.news([SAMPLE_NEWS], news)
        of_news = await job.close_news(news)
    assert (dict(closed.closed), closed.waited) == ({"US": 5}, Waited.DONE)
    assert ([str(day) for day in of_news.days["US"]], of_news.waited) == (list(WEEK[2:]), Waited.DONE)
    assert job.report.unread == 0, "the sample is in English"


async def test_a_stage_without_a_worker_is_told_from_one_with(job: Job) -> None:
    async with watching_workers(job.endpoints.kafka_url, job.services.settings.topic_prefix) as watch:
        assert await watch.without_members() == list(STAGES)
        async with stages(job, "prices"):
            assert await watch.without_members() == ["news", "contexts"]
            assert not await watch.ready()


def command(settings: Settings, *words: str) -> tuple[list[str], dict[str, str]]:
    """A command line and its environment."""
    assert settings.kafka_url is not None and settings.database_url is not None
    environment = os.environ | {
        "STREAM_APP_KAFKA_URL": settings.kafka_url,
        "STREAM_APP_DATABASE_URL": settings.database_url.get_secret_value(),
        "STREAM_APP_TOPIC_PREFIX": settings.topic_prefix,
    }
    return [sys.executable, "-m", "stream_app", "ingest", *words], environment


def run(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    line, environment = command(settings, *words)
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


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


def test_the_command_refuses_a_missing_file_in_a_sentence(settings: Settings, tmp_path: Path) -> None:
    done = run(settings, "news", str(tmp_path / "none.jsonl"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: There is no file {tmp_path / 'none.jsonl'}.\n"


@contextmanager
def started(line: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_ctrl_c_in_the_middle_says_how_far_it_got(job: Job, settings: Settings, tmp_path: Path) -> None:
    await job.prices([week_of_prices(tmp_path / "week.csv")])
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
