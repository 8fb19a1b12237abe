"""Numeric windows of many instruments and days: read, computed and stored a group of instruments at a time."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stream_app.backfill.report import Tally, to_remove, to_write
from stream_app.backfill.writing import write
from stream_app.models import NumericModel
from stream_app.regime import windows
from stream_app.regime.windows import Dates, Windows
from stream_app.store import numeric_windows, prices, vectors
from stream_app.store.database import Pool, connection, transaction
from stream_app.store.numeric_windows import WindowVectors
from stream_app.store.origins import BACKFILL, Standing
from stream_app.store.prices import Series

GROUP_WINDOWS = 8_192
"""Computed and stored at a time: 12.6 MB of vectors."""
ONE_DAY = dt.timedelta(days=1)

Key = tuple[str, dt.date]
"""An instrument and a day."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowsJob:
    """Which windows: of instruments, each named once, as of days, ascending, of a model."""

    instruments: Sequence[str]
    as_ofs: Dates
    model: NumericModel


@dataclass(frozen=True, slots=True, eq=False)
class InstrumentWindows:
    """One instrument's windows, one a day of the job; `vectors` (k, 384) are of the `days` (k,), indices, that have
    enough rows."""

    instrument_id: str
    windows: Windows
    days: NDArray[np.int64]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What was computed together, and what storing it did."""

    instruments: Sequence[InstrumentWindows]
    tally: Tally


async def fill(pool: Pool, job: WindowsJob, dry_run: bool) -> AsyncIterator[Group]:
    """Compute the job's windows and store those that are not there as they are, in the order of the instruments.

    A window that was filled in and has too few rows by now is removed. Each group is stored in a transaction of its
    own, so that an interrupted fill leaves whole groups. A dry run changes nothing.
    """
    size = max(1, GROUP_WINDOWS // max(1, len(job.as_ofs)))
    for first in range(0, len(job.instruments), size):
        names = job.instruments[first : first + size]
        series = await _series(pool, job, names)
        computed = await asyncio.to_thread(_computed, job, names, series)
        yield Group(computed, await _store(pool, job, computed, dry_run))


async def _series(pool: Pool, job: WindowsJob, names: Sequence[str]) -> dict[str, Series]:
    oldest, last = job.as_ofs[0].item(), job.as_ofs[-1].item()
    first = oldest - min(windows.lookback_days(job.model.window_days) * ONE_DAY, oldest - dt.date.min)
    async with connection(pool) as conn:
        return await prices.current_series(conn, dict.fromkeys(names, (first, last)))


def _computed(job: WindowsJob, names: Sequence[str], series: Mapping[str, Series]) -> list[InstrumentWindows]:
    return [_of_instrument(job, name, series.get(name, prices.EMPTY)) for name in names]


def _of_instrument(job: WindowsJob, name: str, rows: Series) -> InstrumentWindows:
    made = windows.windows(rows.dates, rows.closes, rows.volumes, job.as_ofs, job.model.window_days)
    days = np.flatnonzero(made.rows >= windows.min_rows(job.model.window_days))
    features = made.features if len(days) == len(job.as_ofs) else made.features[days]
    return InstrumentWindows(name, made, days, job.model.embed(features, made.rows[days]))


async def _store(pool: Pool, job: WindowsJob, computed: Sequence[InstrumentWindows], dry_run: bool) -> Tally:
    names = [each.instrument_id for each in computed]
    days = (job.as_ofs[0].item(), job.as_ofs[-1].item())
    async with connection(pool) as conn:
        standing = await numeric_windows.standing(conn, job.model.model_id, job.model.window_days, names, days)
    made, gone, tally = await asyncio.to_thread(_to_store, job, computed, standing)
    if dry_run:
        return tally
    if gone:
        async with transaction(pool) as conn:
            await numeric_windows.remove(conn, job.model.model_id, job.model.window_days, gone, BACKFILL)
    if len(made):
        packed = await asyncio.to_thread(
            numeric_windows.packed, job.model.model_id, job.model.window_days, made, BACKFILL
        )
        append, put = partial(numeric_windows.append, windows=packed), partial(numeric_windows.put, windows=packed)
        await write(pool, append, put, all_new=not tally.changed)
    return tally


def _to_store(
    job: WindowsJob, computed: Sequence[InstrumentWindows], standing: Mapping[Key, Standing]
) -> tuple[WindowVectors, list[Key], Tally]:
    made = _together(job, computed)
    if not standing:
        return made, [], Tally(new=len(made))
    keys = list(zip(made.instruments, made.as_ofs.tolist(), strict=True))
    chosen, tally = to_write(keys, vectors.to_rows(made.vectors), standing)
    gone = to_remove(_lacking(job, computed), standing)
    tally.removed = len(gone)
    return made.at(np.array(chosen, np.int64)), gone, tally


def _lacking(job: WindowsJob, computed: Sequence[InstrumentWindows]) -> Iterator[Key]:
    for each in computed:
        lacking = np.ones(len(job.as_ofs), np.bool_)
        lacking[each.days] = False
        for day in job.as_ofs[lacking].tolist():
            yield each.instrument_id, day


def _together(job: WindowsJob, computed: Sequence[InstrumentWindows]) -> WindowVectors:
    return WindowVectors(
        [each.instrument_id for each in computed for _ in range(len(each.days))],
        np.concatenate([job.as_ofs[each.days] for each in computed]),
        np.concatenate([each.windows.rows[each.days] for each in computed]),
        np.concatenate([each.vectors for each in computed]),
    )
