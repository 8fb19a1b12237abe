"""One fit from what is stored: a region's numeric vectors up to a day become a file, its card and a table."""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from schemas import DIM
from stream_app.labelling.fit import Days, Fitted
from stream_app.regime.labels import Floats
from stream_app.regime.volatility import RETURNS, realised_volatility
from stream_app.store import prices, regimes, vectors
from stream_app.store.database import Connection
from stream_app.store.prices import days_of
from stream_app.store.regimes import RegimeRow, Wanted
from stream_app.training import bounds

LOOKBACK = dt.timedelta(days=4 * RETURNS)
"""In which the closes of a month of sessions lie."""


@dataclass(frozen=True, slots=True)
class LabellerJob:
    """What is fitted: a region's vectors of a numeric model, from `first` to `last`, both inclusive, and how."""

    region: str
    numeric_model_id: str
    first: dt.date
    last: dt.date
    how: Callable[[Days], Fitted]


async def fitted(connection: Connection, job: LabellerJob) -> tuple[Days, Fitted]:
    """The days that there were, and what was fitted on them. UsageError where there are none, too few or too many."""
    wanted = Wanted([job.region], job.numeric_model_id, None)
    rows = await regimes.one_of_days(connection, wanted, job.first, job.last, bounds.MOST_DAYS + 1)
    bounds.check_days(len(rows), job.first, job.last)
    if not rows:
        raise bounds.no_vectors(job.numeric_model_id, job.region, job.first, job.last)
    days = Days.in_order(
        days_of([row.as_of for row in rows]),
        vectors.from_rows([row.vector for row in rows], DIM),
        await _volatility(connection, rows),
    )
    return days, await asyncio.to_thread(partial(job.how, days))


async def _volatility(connection: Connection, rows: Sequence[RegimeRow]) -> Floats:
    """The mean realised volatility of each day's instruments as of that day; NaN where none has a month of closes."""
    days = days_of([row.as_of for row in rows])
    names = sorted({name for row in rows for name in row.instruments})
    span = (days.min().item() - LOOKBACK, days.max().item())
    series = await prices.current_series(connection, dict.fromkeys(names, span))
    sums, counts = np.zeros(len(rows)), np.zeros(len(rows))
    for name in series:
        own, of = realised_volatility(series[name].closes), np.array([name in row.instruments for row in rows])
        at = np.searchsorted(series[name].dates, days, side="right") - 1
        found = np.where(of & (at >= 0), own[at], np.nan)
        sums += np.nan_to_num(found)
        counts += np.isfinite(found)
    means: Floats = np.divide(sums, counts, out=np.full(len(rows), np.nan), where=counts > 0)
    return means
