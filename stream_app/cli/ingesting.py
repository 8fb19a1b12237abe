"""`ingest prices` and `ingest news`: inputs into the topics, and on request the days that they cover closed."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.output import put, reader_may_leave, say

if TYPE_CHECKING:
    from schemas import NewsArticle, PriceClose
    from stream_app.config import Settings
    from stream_app.ingest.display import Bars
    from stream_app.ingest.files import Source
    from stream_app.ingest.job import Closed, Job
    from stream_app.ingest.kinds import Kind
    from stream_app.ingest.report import Report

Event = TypeVar("Event", "PriceClose", "NewsArticle")

NOTHING_SENT = 1
NOTHING = "Nothing was sent."
FILES = typer.Argument(
    metavar="FILE",
    help="CSV or JSON lines, gzipped or not, or Parquet; - is standard input. What a file is, its content says.",
)
MAP = typer.Option("--map", metavar="FIELD=COLUMN", help="Take a field from a column of another name; repeatable.")
MISSING_VOLUME = typer.Option(
    "--missing-volume", help="A row without a volume is rejected, or gets zero, which means unknown."
)
CLOSE_DAYS = typer.Option("--close-days", help="Close every session that the files cover, and wait for the contexts.")

commands = typer.Typer()
ingest = typer.Typer(help="Send files of prices or news to their topic.")
commands.add_typer(
    ingest,
    name="ingest",
    no_args_is_help=True,
    epilog="Example: [bold]stream-app ingest prices closes.csv.gz --close-days[/bold]",
)


@ingest.command(epilog="Example: [bold]stream-app ingest prices closes.csv.gz --close-days[/bold]")
def prices(
    ctx: typer.Context,
    files: Annotated[list[Path], FILES],
    mapped: Annotated[list[str] | None, MAP] = None,
    missing_volume: Annotated[Literal["reject", "zero"], MISSING_VOLUME] = "reject",
    close_days: Annotated[bool, CLOSE_DAYS] = False,
) -> None:
    """Send daily closes.

    Columns: instrument_id, trade_date, close, volume (0 means unknown) and, where known, open, high, low,
    adjusted_close, currency, metadata, retracted. Others are kept as metadata. A row that cannot be used is counted
    and its reason reported.
    --close-days closes the sessions from the first to the last date of each region's instruments.
    """
    from stream_app.ingest.columns import renamed
    from stream_app.ingest.kinds import PRICE_CLOSES, with_zero_volumes

    settings = settings_of(ctx)
    kind = renamed(with_zero_volumes(PRICE_CLOSES) if missing_volume == "zero" else PRICE_CLOSES, mapped or ())
    sources = _looked_at(files, kind)
    _run(settings, lambda job: _prices(job, sources, kind, close_days), close_days)


@ingest.command(epilog="Example: [bold]stream-app ingest news headlines.jsonl[/bold]")
def news(
    ctx: typer.Context,
    files: Annotated[list[Path], FILES],
    mapped: Annotated[list[str] | None, MAP] = None,
    close_days: Annotated[bool, CLOSE_DAYS] = False,
) -> None:
    """Send news articles.

    Columns: article_id, published_at (ISO 8601 with an offset), headline, body and, where known, language, source,
    regions (a list, or text separated by | or ;), time_precision, metadata, retracted. Others are kept as metadata. A
    row that cannot be used is counted and its reason reported. An article counts in the regions that read its
    language: without one in none.
    With time_precision "date" a published_at that is a bare date means the end of that day in UTC.
    --close-days closes the sessions on which the articles count, of every region that has a price then.
    """
    from stream_app.ingest.columns import renamed
    from stream_app.ingest.kinds import NEWS_ARTICLES

    settings = settings_of(ctx)
    kind = renamed(NEWS_ARTICLES, mapped or ())
    sources = _looked_at(files, kind)
    _run(settings, lambda job: _news(job, sources, kind, close_days), close_days)


def _looked_at(files: Sequence[Path], kind: "Kind[Event]") -> "list[Source]":
    """Done before anything is connected to, and while Ctrl-C still ends a wait for standard input by itself."""
    from stream_app.ingest.sending import look_at_all

    try:
        return look_at_all(files, kind)
    except KeyboardInterrupt:
        say(NOTHING)
        raise


async def _prices(
    job: "Job", sources: "Sequence[Source]", kind: "Kind[PriceClose]", close_days: bool
) -> "Closed | None":
    coverage = await job.prices(sources, kind)
    return await job.close_prices(coverage) if close_days and job.report.sent else None


async def _news(
    job: "Job", sources: "Sequence[Source]", kind: "Kind[NewsArticle]", close_days: bool
) -> "Closed | None":
    coverage = job.news_coverage() if close_days else None
    await job.news(sources, coverage, kind)
    return await job.close_news(coverage) if coverage is not None and job.report.sent else None


def _run(settings: "Settings", work: Callable[["Job"], Awaitable["Closed | None"]], close_days: bool) -> None:
    """Ingest and report. Whatever stops it, how far it got is said before the command ends of that."""
    from stream_app.errors import StreamAppError, UsageError
    from stream_app.ingest.display import bars
    from stream_app.ingest.report import Report

    report = Report()
    try:
        with bars() as shown:
            closed = asyncio.run(_worked(settings, report, shown, work, close_days))
    except (KeyboardInterrupt, StreamAppError) as error:
        if report.read or not isinstance(error, UsageError):  # a wrong request is refused before anything is sent
            _tell_stopped(report)
        raise
    _tell(report)
    if closed is not None:
        _tell_closed(closed)
    if not report.sent:
        say(NOTHING)
        raise typer.Exit(NOTHING_SENT)


async def _worked(
    settings: "Settings",
    report: "Report",
    shown: "Bars",
    work: Callable[["Job"], Awaitable["Closed | None"]],
    close_days: bool,
) -> "Closed | None":
    async with _job(settings, report, shown) as job:
        if close_days:
            await job.check_database()
        return await work(job)


@asynccontextmanager
async def _job(settings: "Settings", report: "Report", shown: "Bars") -> AsyncIterator["Job"]:
    from stream_app.endpoints import find
    from stream_app.ingest.job import Job
    from stream_app.services import open_services

    endpoints = await asyncio.to_thread(find, settings)
    async with open_services(settings, endpoints) as services:
        yield Job(services, endpoints, shown, report)


def _tell(report: "Report") -> None:
    from stream_app.ingest.display import console, reasons_table, report_line

    put(report_line(report))
    if report.reasons:
        import sys

        with reader_may_leave(sys.stdout):
            console().print(reasons_table(report))


def _tell_stopped(report: "Report") -> None:
    """How far it got, of which it knows no more than what was acknowledged."""
    if report.read:
        _tell(report)
    if report.under_way:
        say(f"Up to {report.under_way:,} rows more may have arrived: they were sent, but not acknowledged yet.")
    if report.read or report.under_way:
        say("It is safe to repeat the command: rows that are sent twice do no harm.")
    else:
        say(NOTHING)


def _tell_closed(closed: "Closed") -> None:
    from stream_app.ingest.display import by_region
    from stream_app.ingest.waiting import Waited

    days = sum(closed.closed.values())
    put(f"{days:,} days closed" + (f": {by_region(closed.closed)}." if days else "; none that is due was still open."))
    match closed.waited:
        case Waited.DONE:
            put("All that was closed is computed.")
        case Waited.NO_WORKER:
            say("No worker seems to be running: the days will be computed when one does. Start `stream-app worker`.")
        case Waited.STALLED:
            say("The workers have not moved for three minutes: see their log. The days will be computed when they do.")
    if closed.closed_before:
        put(
            f"{closed.closed_before:,} covered days were closed before: where these rows change one, the worker makes "
            "a new revision of its context after it has applied them."
        )
