"""The seed commands: `run-numeric-regime`, `backfill-text-embeddings` and `backfill-joint-regime-context`."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.filled import end, tell_joint, tell_regimes, tell_texts
from stream_app.cli.model_ids import a_model_id, joint_model, numeric_model, text_model
from stream_app.cli.output import say
from stream_app.cli.spans import AS_OF, DATE_RANGE, span

if TYPE_CHECKING:
    from stream_app.backfill.joint import JointJob, JointReport
    from stream_app.backfill.regimes import RegimeJob, RegimeReport
    from stream_app.backfill.texts import TextJob, TextReport
    from stream_app.config import RegionConfig, Settings
    from stream_app.models import TextModel
    from stream_app.store.database import Pool

NUMERIC_OPTIONS = (
    "--region US --instrument-id AAPL.US --as-of 2025-01-31 --window-days 63 --model-id num-regime-core-v1"
)
TEXT_OPTIONS = "--date-range 2025-01-01 2025-01-31 --language EN --limit 10000 --model-id text-fin-general-v1"
JOINT_OPTIONS = "--region US --region EU --date-range 2025-01-01 2025-01-31 --language EN"

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")]
AsOf = Annotated[dt.date | None, AS_OF]
DateRange = Annotated[tuple[dt.date, dt.date] | None, DATE_RANGE]

STOPPED = "Stopped; run the same command again, and it goes on where it was."

Filled = TypeVar("Filled")

commands = typer.Typer()


@commands.command(epilog=f"Example: [bold]stream-app run-numeric-regime {NUMERIC_OPTIONS}[/bold]")
def run_numeric_regime(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    region: Annotated[str, typer.Option(metavar="NAME", help="Region, exactly as in the regions file.")],
    instrument_id: Annotated[list[str], typer.Option(metavar="ID", help="Its prices; repeat to average several.")],
    as_of: AsOf = None,
    date_range: DateRange = None,
    window_days: Annotated[
        int | None, typer.Option(metavar="N", help="Rows of a window, at most 128; else the configured ones.")
    ] = None,
    model_id: Annotated[
        str | None, typer.Option(parser=a_model_id, metavar="ID", help="Numeric model; else the configured one.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Compute numeric windows and regimes from stored prices.

    A range takes the sessions of the region's calendar. What the worker has stored stays as it is.
    """
    settings = settings_of(ctx)
    days = span(as_of, date_range)
    job = _regime_job(settings, region, instrument_id, days, window_days, model_id)
    report = _run(_filled_regimes(settings, job, dry_run), dry_run)
    tell_regimes(job, report, dry_run)
    end(report.insufficient.total > 0)


@commands.command(epilog=f"Example: [bold]stream-app backfill-text-embeddings {TEXT_OPTIONS}[/bold]")
def backfill_text_embeddings(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    as_of: AsOf = None,
    date_range: DateRange = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="In any case; none: every article, also of no language.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="The most articles that get a vector now.")] = 10_000,
    model_id: Annotated[
        str | None, typer.Option(parser=a_model_id, metavar="ID", help="Text model; else the configured one.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Give stored articles their text vectors, the oldest first.

    Days are those of UTC; an article of which only the date is known counts on that date. Articles that have their
    vector do not count to the limit, so repeating the command goes on where the limit ended it.
    """
    from stream_app.backfill.texts import TextJob
    from stream_app.store.article_texts import Selection

    settings = settings_of(ctx)
    first, last = span(as_of, date_range)
    model = text_model(settings, model_id)
    job = TextJob(Selection(first, last, language, model.model_id), limit)
    report = _run(_filled_texts(settings, job, model, dry_run), dry_run)
    tell_texts(job, report, dry_run)
    end(report.failures.total > 0)


@commands.command(epilog=f"Example: [bold]stream-app backfill-joint-regime-context {JOINT_OPTIONS}[/bold]")
def backfill_joint_regime_context(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    region: Annotated[list[str], typer.Option(metavar="NAME", help="Exact name; repeat for several.")],
    as_of: AsOf = None,
    date_range: DateRange = None,
    text_model_id: Annotated[
        str | None, typer.Option(parser=a_model_id, metavar="ID", help="Text model; else the joint model's own.")
    ] = None,
    joint_model_id: Annotated[
        str | None, typer.Option(parser=a_model_id, metavar="ID", help="Joint model; else the configured one.")
    ] = None,
    numeric_model_id: Annotated[
        str | None, typer.Option(parser=a_model_id, metavar="ID", help="Of the regimes; else the joint model's own.")
    ] = None,
    instrument_id: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Of the regimes, where a day has several; repeatable.")
    ] = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="Of the articles, in any case.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Join stored regimes and text vectors into joint contexts.

    Other text or numeric models than a joint model's own need --joint-model-id: what is stored under an id is of one
    model.

    Days are those of UTC. A day's contexts that the worker has stored stay as they are. What is missing is named; in a
    range that is a regime on the sessions of a configured region's calendar alone.
    """
    from stream_app.backfill.joint import JointJob
    from stream_app.store.article_texts import Selection
    from stream_app.store.regimes import Wanted

    settings = settings_of(ctx)
    first, last = span(as_of, date_range)
    model = joint_model(settings, joint_model_id, numeric_model_id, text_model_id)
    job = JointJob(
        Wanted(
            list(dict.fromkeys(region)),
            model.numeric.model_id,
            list(dict.fromkeys(instrument_id)) if instrument_id else None,
        ),
        Selection(first, last, language, model.text.model_id),
        model,
    )
    report = _run(_filled_joint(settings, job, dry_run), dry_run)
    if first != last:
        report.lacking_regimes = _on_sessions(settings, report.lacking_regimes)
    tell_joint(job, report, dry_run)
    end(report.ambiguous.total > 0)


def _run(work: Coroutine[Any, Any, Filled], dry_run: bool) -> Filled:
    """Ctrl-C says what to do before the command ends of it."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        if not dry_run:
            say(STOPPED)
        raise


def _regime_job(  # noqa: PLR0913, PLR0917 - the command's own options
    settings: "Settings",
    region: str,
    instruments: list[str],
    days: tuple[dt.date, dt.date],
    window_days: int | None,
    model_id: str | None,
) -> "RegimeJob":
    """Raises UsageError for an unknown region, days outside its calendar or without one, and as `numeric_model`."""
    import numpy as np

    from stream_app.backfill.regimes import RegimeJob
    from stream_app.backfill.windows import WindowsJob
    from stream_app.config import load_regions
    from stream_app.errors import UsageError
    from stream_app.regime.calendars import load_calendar

    known = load_regions(settings.regions)
    if region not in known:
        raise UsageError(f"There is no region {region}; there are {', '.join(sorted(known))}.")
    first, last = days
    model = numeric_model(settings, model_id, window_days)
    try:
        calendar = load_calendar(known[region].calendar, settings.calendar_end)
        chosen = [first] if first == last else calendar.sessions_between(first, last)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not chosen:
        raise UsageError(f"{known[region].calendar} has no session from {first} to {last}.")
    # A worker's order, so that the mean has the same bits, and one regime however they are named.
    order = {name: place for place, name in enumerate(known[region].instruments)}
    names = sorted(set(instruments), key=lambda name: (order.get(name, len(order)), name))
    return RegimeJob(region, calendar, WindowsJob(names, np.array(chosen, "datetime64[D]"), model))


def _on_sessions(settings: "Settings", lacking: Mapping[str, list[dt.date]]) -> dict[str, list[dt.date]]:
    """By region the days that are sessions of its calendar, or every day where that is not known."""
    from stream_app.config import load_regions

    known = load_regions(settings.regions) if lacking else {}
    found = {}
    for region, days in lacking.items():
        sessions = _sessions(settings, known.get(region))
        found[region] = [day for day in days if sessions is None or day in sessions]
    return {region: days for region, days in found.items() if days}


def _sessions(settings: "Settings", region: "RegionConfig | None") -> set[dt.date] | None:
    """None where the region is not configured, or with a calendar that there is not."""
    from stream_app.regime.calendars import load_calendar

    if region is None:
        return None
    try:
        return set(load_calendar(region.calendar, settings.calendar_end).sessions.tolist())
    except ValueError:
        return None


async def _filled_regimes(settings: "Settings", job: "RegimeJob", dry_run: bool) -> "RegimeReport":
    from stream_app.backfill.regimes import fill_regimes
    from stream_app.cli.progress import bars

    with bars() as told:
        async with _pool(settings) as pool:
            return await fill_regimes(pool, job, dry_run, told)


async def _filled_texts(settings: "Settings", job: "TextJob", model: "TextModel", dry_run: bool) -> "TextReport":
    from stream_app.backfill.texts import fill_texts
    from stream_app.cli.progress import bars
    from stream_app.encoding import load_encoder

    load = partial(
        load_encoder,
        model.spec,
        settings.encode_token_budget,
        settings.encode_deadline_seconds,
        settings.text_device,
    )
    with bars() as told:
        async with _pool(settings) as pool:
            return await fill_texts(pool, job, load, dry_run, told)


async def _filled_joint(settings: "Settings", job: "JointJob", dry_run: bool) -> "JointReport":
    from stream_app.backfill.joint import fill_joint
    from stream_app.cli.progress import bars

    with bars() as told:
        async with _pool(settings) as pool:
            return await fill_joint(pool, job, dry_run, told)


@asynccontextmanager
async def _pool(settings: "Settings") -> AsyncIterator["Pool"]:
    """The database, if it is of this release."""
    from stream_app.endpoints import find_database
    from stream_app.store import migrate
    from stream_app.store.database import create_pool

    database_url = find_database(settings)
    await migrate.check(database_url)
    pool = await create_pool(database_url, size=2)
    try:
        yield pool
    finally:
        await pool.close()
