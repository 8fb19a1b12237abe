"""The windows that a chunk's changed rows touch, of all its instruments in one call of the domain's functions.

A numpy call an instrument was most of what storing history cost. So the instruments stand on one axis of dates, each on
a stretch of its own, so far apart that no window reaches from one to the next.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from stream_app.models import NumericModel
from stream_app.regime import windows
from stream_app.store.numeric_windows import WindowVectors
from stream_app.store.prices import Dates, Series

STRETCH_DAYS = 1_000_000
"""Every date of an event (1678 to 2261) lies within half of this of 1970, with room for a window's lookback."""
BATCH_WINDOWS = 16_384
"""The windows computed and stored at a time, 4 kB each: a chunk that corrects old rows touches 63 for each."""

Gone = list[tuple[str, dt.date]]
"""Instruments and days that have no window any more."""


@dataclass(frozen=True, slots=True)
class TouchedWindows:
    """Some windows of one model that were touched, and the places that have none (any more)."""

    model: NumericModel
    made: WindowVectors
    gone: Gone


def touched_windows(
    series: Mapping[str, Series], changed: Mapping[str, Series], models: Sequence[NumericModel]
) -> Iterator[TouchedWindows]:
    """Every window of each model that was touched, in batches; models with windows of as many rows share them.

    `series` are the rows after the change, of the same instruments as the `changed` ones.
    """
    names = list(series)
    rows = _on_one_axis([series[name] for name in names])
    dates = _on_one_axis([changed[name] for name in names]).dates
    removed = np.setdiff1d(dates, rows.dates, assume_unique=True)
    for window_days, alike in groupby(sorted(models, key=_window_days), key=_window_days):
        of_models = list(alike)
        touched = windows.windows_touched(rows.dates, dates, window_days)
        for start in range(0, max(len(touched), 1), BATCH_WINDOWS):
            batch = touched[start : start + BATCH_WINDOWS]
            made = windows.windows(rows.dates, rows.closes, rows.volumes, batch, window_days)
            enough = made.rows >= windows.min_rows(window_days)
            gone = _places(names, np.concatenate([batch[~enough], removed if start == 0 else removed[:0]]))
            owners, as_ofs = _off_the_axis(batch[enough])
            instruments = [names[owner] for owner in owners]
            features, observed = made.features[enough], made.rows[enough]
            for model in of_models:
                vectors = model.embed(features, observed)
                yield TouchedWindows(model, WindowVectors(instruments, as_ofs, observed, vectors), gone)


def _window_days(model: NumericModel) -> int:
    return model.window_days


def _places(names: Sequence[str], dates: Dates) -> Gone:
    """The instruments and days of places on the axis."""
    owners, days = _off_the_axis(dates)
    return [(names[owner], day) for owner, day in zip(owners.tolist(), days.tolist(), strict=True)]


def _on_one_axis(series: Sequence[Series]) -> Series:
    stretches = (np.arange(len(series)) * STRETCH_DAYS).astype("timedelta64[D]")
    shifts = np.repeat(stretches, [len(each) for each in series])
    return Series(
        np.concatenate([each.dates for each in series]) + shifts,
        np.concatenate([each.closes for each in series]),
        np.concatenate([each.volumes for each in series]),
    )


def _off_the_axis(dates: Dates) -> tuple[NDArray[np.int64], Dates]:
    """Which instrument each place on the axis belongs to, and its date."""
    owners = (dates.astype(np.int64) + STRETCH_DAYS // 2) // STRETCH_DAYS
    return owners, dates - (owners * STRETCH_DAYS).astype("timedelta64[D]")
