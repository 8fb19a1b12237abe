"""An instrument's numeric windows: the last `window_days` observed rows as of a day, three features a row.

The rules are those of docs/joint_spaces/num-regime-core-v1.md, which the original batch system is reproduced by to the
bit. D stands for datetime64[D]. Rows are one instrument's, with ascending and unique dates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from schemas import DIM

Dates = NDArray[np.datetime64]
FEATURES = 3
LARGEST_WINDOW_DAYS = DIM // FEATURES
MIN_ROWS_SHARE = 0.87
LOOKBACK_DAYS_PER_ROW = 3

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The windows of one instrument, one an as_of. A window of too few rows (`min_rows`) has no features: zeros."""

    features: NDArray[np.float32]
    """(n, window_days, 3): close, volume, log return; oldest row first."""
    rows: NDArray[np.int64]
    """(n,): observed rows in the window, 0 to window_days."""
    last_date: Dates
    """(n,) D: the newest observed row's date; NaT where there is none."""


def min_rows(window_days: int) -> int:
    """The fewest observed rows that make a window: 54 of 63."""
    return max(1, int(window_days * MIN_ROWS_SHARE))


def lookback_days(window_days: int) -> int:
    """The calendar days before as_of in which a window's rows are looked for: 189 for 63."""
    return LOOKBACK_DAYS_PER_ROW * window_days


def windows(
    dates: Dates, closes: NDArray[np.float64], volumes: NDArray[np.float64], as_ofs: Dates, window_days: int
) -> Windows:
    """The windows as of each of `as_ofs` (n,), in any order; the rows' arrays are (m,).

    Raises ValueError when the dates are not ascending and unique, the arrays differ in length, or `window_days` is not
    from 1 to 128, the most rows that a vector holds.
    """
    check_window_days(window_days)
    _check_rows(dates, closes, volumes)
    starts, ends = _bounds(dates, as_ofs, window_days)
    rows = ends - starts
    features = np.zeros((len(as_ofs), window_days, FEATURES), np.float32)
    complete = rows == window_days
    if complete.any():
        features[complete] = _complete(closes, volumes, starts[complete], window_days)
    short = (rows >= min_rows(window_days)) & ~complete
    if short.any():
        features[short] = _padded(closes, volumes, starts[short], ends[short], window_days)
    return Windows(features, rows, _last_dates(dates, rows, ends))


def check_window_days(window_days: int) -> None:
    """Raises ValueError unless a window of so many rows fits the vector."""
    if not 1 <= window_days <= LARGEST_WINDOW_DAYS:
        raise ValueError(
            f"A window of {window_days} rows does not fit a vector of {DIM} numbers: "
            f"the largest window is {LARGEST_WINDOW_DAYS} rows."
        )


def windows_touched(dates: Dates, changed: Dates, window_days: int) -> Dates:
    """The row dates whose window holds, or held before the change, one of the changed rows.

    `dates` are the rows' after the change, `changed` those of rows inserted, corrected or removed, in any mix. The
    result is ascending and unique; a removed row's own date is not in it.
    """
    after = np.searchsorted(dates, changed, side="right")
    first = np.searchsorted(dates, changed, side="left")
    by_rows = after + window_days - 1
    by_days = np.searchsorted(dates, changed + lookback_days(window_days) * _DAY, side="right")
    end = np.minimum(by_rows, by_days)
    steps = np.zeros(len(dates) + 1, np.int64)
    np.add.at(steps, first, 1)
    np.add.at(steps, np.minimum(end, len(dates)), -1)
    return dates[np.cumsum(steps[:-1]) > 0]


def touched_until(dates: Dates, changed: Dates, window_days: int) -> Dates:
    """For each changed row's date (m,) the last as_of, any calendar day, whose window holds or held that row.

    It is the day before the `window_days`-th row after it, and never more than the lookback after it. `dates` are the
    rows' after the change. Of several rows changed together a later one pushes an earlier one out as if it had always
    been there: the days in between hold the later one, so the union over `changed` misses none.
    """
    pushed_out_by = np.searchsorted(dates, changed, side="right") + window_days - 1
    until = changed + lookback_days(window_days) * _DAY
    pushed = pushed_out_by < len(dates)
    until[pushed] = np.minimum(until[pushed], dates[pushed_out_by[pushed]] - _DAY)
    return until


def _check_rows(dates: Dates, closes: NDArray[np.float64], volumes: NDArray[np.float64]) -> None:
    if not len(dates) == len(closes) == len(volumes):
        raise ValueError(f"{len(dates)} dates, {len(closes)} closes and {len(volumes)} volumes are not the same rows.")
    if not (dates[1:] > dates[:-1]).all():
        raise ValueError("The rows' dates must be ascending, each only once.")


def _bounds(dates: Dates, as_ofs: Dates, window_days: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row and end of each window, both (n,)."""
    ends = np.searchsorted(dates, as_ofs, side="right")
    oldest = np.searchsorted(dates, as_ofs - lookback_days(window_days) * _DAY, side="left")
    return np.maximum(oldest, ends - window_days), ends


def _last_dates(dates: Dates, rows: NDArray[np.int64], ends: NDArray[np.int64]) -> Dates:
    last = np.full(len(rows), np.datetime64("NaT"), "datetime64[D]")
    seen = rows > 0
    last[seen] = dates[ends[seen] - 1]
    return last


def _complete(
    closes: NDArray[np.float64], volumes: NDArray[np.float64], starts: NDArray[np.int64], window_days: int
) -> NDArray[np.float32]:
    """Windows without padding: (k, window_days, 3). A row's features are computed once, then copied to its windows."""
    first, end = starts.min(), starts.max() + window_days
    close = closes[first:end]
    table = np.zeros((len(close), FEATURES), np.float32)
    table[:, 0] = close
    table[:, 1] = volumes[first:end]
    table[1:, 2] = np.log(close[1:] / close[:-1])
    flat = sliding_window_view(table.ravel(), window_days * FEATURES)[::FEATURES]
    consecutive = len(starts) == len(flat) and (starts[1:] - starts[:-1] == 1).all()
    copied = flat.copy() if consecutive else flat[starts - first]
    features = copied.reshape(len(starts), window_days, FEATURES)
    features[:, 0, 2] = 0.0
    return features


def _padded(
    closes: NDArray[np.float64],
    volumes: NDArray[np.float64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    window_days: int,
) -> NDArray[np.float32]:
    """Short windows, padded at the end with the last row: (k, window_days, 3).

    The repeated close is float32 in a float64 array, as in the original, so the first padded log return is
    log(float32(c) / c).
    """
    index = starts[:, None] + np.arange(window_days)
    observed = index < ends[:, None]
    last = (ends - 1)[:, None]
    index = np.minimum(index, last)
    close = np.where(observed, closes[index], closes[last].astype(np.float32))
    features = np.zeros((len(starts), window_days, FEATURES), np.float32)
    features[:, :, 0] = close
    features[:, :, 1] = volumes[index]
    features[:, 1:, 2] = np.log(close[:, 1:] / close[:, :-1])
    return features
