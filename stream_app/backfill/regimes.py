"""`run_numeric_regime`: a region's numeric regimes from the windows of its instruments."""

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stream_app.backfill.registering import register
from stream_app.backfill.report import Lines, Tally, to_remove, to_write
from stream_app.backfill.windows import InstrumentWindows, WindowsJob, fill
from stream_app.backfill.writing import write
from stream_app.contexts.compose import NEUTRAL, NEUTRAL_CONFIDENCE
from stream_app.regime.calendars import SessionCalendar
from stream_app.regime.numeric import DayMeans
from stream_app.regime.windows import Dates, lookback_days, min_rows
from stream_app.replay.telling import Told
from stream_app.store import regimes, vectors
from stream_app.store.database import Pool, connection, transaction
from stream_app.store.regimes import Regimes

BLOCK_DAYS = 4_096
"""Sixteen years of sessions; their sums are 12.6 MB."""
FRESH_SESSIONS = 5
"""A window whose newest row is older than so many sessions is told of."""


@dataclass(frozen=True, slots=True, eq=False)
class RegimeJob:
    """The regimes of a region on days; its windows' instruments are averaged in their order."""

    region: str
    calendar: SessionCalendar
    windows: WindowsJob


@dataclass(slots=True)
class RegimeReport:
    """What was stored, which windows have too few rows, which are of old prices, and the last day with a regime."""

    windows: Tally = field(default_factory=Tally)
    regimes: Tally = field(default_factory=Tally)
    insufficient: Lines = field(default_factory=Lines)
    old: Lines = field(default_factory=Lines)
    last_regime: str | None = None
    """The original's sentence on it."""


async def fill_regimes(pool: Pool, job: RegimeJob, dry_run: bool, told: Told) -> RegimeReport:
    """Compute and store a region's windows and regimes; what was filled in and has too few rows by now is removed.
    `told` counts windows.

    Fatal if the model's id stands for another model in this database.
    """
    work, report = job.windows, RegimeReport()
    await register(pool, work.model.registered, dry_run)
    told.begin("windows", len(work.as_ofs) * len(work.instruments))
    for first in range(0, len(work.as_ofs), BLOCK_DAYS):
        block = work.as_ofs[first : first + BLOCK_DAYS]
        means, priced = DayMeans.of_days(len(block)), np.zeros(len(block), np.bool_)
        async for group in fill(pool, replace(work, as_ofs=block), dry_run):
            report.windows.add(group.tally)
            for each in group.instruments:
                means.add(each.vectors, each.days)
                priced |= each.windows.last_date == block
                _tell(report, job, block, each)
            told.advance(len(group.instruments) * len(block))
        await _store(pool, job, report, block, means, priced, dry_run)
    return report


async def _store(  # noqa: PLR0913, PLR0917 - a block's sums and what becomes of them
    pool: Pool,
    job: RegimeJob,
    report: RegimeReport,
    block: Dates,
    means: DayMeans,
    priced: NDArray[np.bool_],
    dry_run: bool,
) -> None:
    known, lacking = np.flatnonzero(means.instruments), np.flatnonzero(means.instruments == 0)
    of = Regimes(job.region, job.windows.model.model_id, tuple(job.windows.instruments), NEUTRAL, NEUTRAL_CONFIDENCE)
    days, matrix = block[known].tolist(), await asyncio.to_thread(means.means, known)
    async with connection(pool) as conn:
        standing = await regimes.standing(conn, of, block[0].item(), block[-1].item())
    chosen, tally = to_write(days, vectors.to_rows(matrix), standing)
    gone = to_remove(block[lacking].tolist(), standing)
    tally.removed = len(gone)
    report.regimes.add(tally)
    if days:
        report.last_regime = _sentence(of, str(days[-1]))
    if gone and not dry_run:
        async with transaction(pool) as conn:
            await regimes.remove(conn, of, gone)
    if chosen and not dry_run:
        stale = (~priced[known][chosen]).tolist()
        new = regimes.records(of, [days[index] for index in chosen], stale, matrix[chosen])
        append, put = partial(regimes.append, new=new), partial(regimes.put, new=new)
        await write(pool, append, put, all_new=not tally.changed)


def _sentence(of: Regimes, day: str) -> str:
    return f"Regime as of {day} for region {of.region}: label={of.label}, confidence={of.confidence:.3f}"


def _tell(report: RegimeReport, job: RegimeJob, block: Dates, each: InstrumentWindows) -> None:
    enough, name = min_rows(job.windows.model.window_days), each.instrument_id
    lookback = np.timedelta64(lookback_days(job.windows.model.window_days), "D")
    for index in np.flatnonzero(each.windows.rows < enough).tolist():
        day, rows = block[index], each.windows.rows[index]
        report.insufficient.add(
            f"Insufficient price rows ({rows}) for {name} between {day - lookback} and {day}. "
            f"Need at least {enough} rows."
        )
    newest, days = each.windows.last_date[each.days], block[each.days]
    age = _sessions_up_to(job.calendar, days) - _sessions_up_to(job.calendar, newest)
    for index in np.flatnonzero(age > FRESH_SESSIONS).tolist():
        report.old.add(
            f"The newest price of {name} as of {days[index]} is of {newest[index]}, "
            f"more than {FRESH_SESSIONS} sessions before."
        )


def _sessions_up_to(calendar: SessionCalendar, days: Dates) -> NDArray[np.int64]:
    """How many sessions the calendar has up to each day, itself included."""
    return np.searchsorted(calendar.sessions, days, side="right")
