"""A region's days as columns for a chart, and as points of a map."""

import asyncio
import datetime as dt
import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from threadpoolctl import threadpool_limits

from stream_app.regime.cosines import to_the_one_before
from stream_app.regime.principal import plane
from stream_app.store import day_columns, prices
from stream_app.store.database import transaction
from stream_app.store.day_columns import DayColumns
from stream_app.store.pages import PageQuery
from stream_app.store.prices import EMPTY, Series, days_of
from stream_app.web.answering import answer
from stream_app.web.answers.charts import DayMap, Timeline
from stream_app.web.documents import documented
from stream_app.web.known import require_known
from stream_app.web.parameters import ModelId, RegionInPath, Span
from stream_app.web.site import TheSite

MOST_DAYS = 10_000
"""40 years of sessions."""
DECIMALS = 6
"""Of a map's points: what a processor's last digits are does not change the answer."""

router = APIRouter(tags=["charts"])


class DaysAsked(Span):
    """Which days."""

    model_id: ModelId | None = None

    def query(self, model_id: str, region: str, absent: bool) -> PageQuery:
        """The newest of these days, and one more."""
        first, last = self.start or dt.date.min, self.end or dt.date.max
        return PageQuery(model_id, region, first, last, absent=absent, limit=MOST_DAYS + 1, order="desc")


@router.get("/regions/{region}/timeline", **documented(Timeline, "The days' columns."))
async def timeline(
    request: Request, site: TheSite, region: RegionInPath, asked: Annotated[DaysAsked, Query()]
) -> Response:
    """Label, confidence, distance to the day before, price and number of articles of each day, ascending."""
    query = asked.query(site.model_id(asked.model_id), region, absent=True)
    async with site.large, transaction(site.services.pool) as conn:
        days = await day_columns.read(conn, query)
        if not days.as_of:
            await require_known(conn, site, region, query.model_id)
        config = site.services.regions.get(region)
        instrument = None if config is None else config.instruments[0]
        wanted = {instrument: (days.as_of[0], days.as_of[-1])} if instrument is not None and days.as_of else {}
        series = (await prices.current_series(conn, wanted)).get(instrument or "", EMPTY)
    return answer(request, await asyncio.to_thread(_timeline, query, instrument, days, series))


@router.get("/regions/{region}/map", **documented(DayMap, "The days' points."))
async def day_map(
    request: Request, site: TheSite, region: RegionInPath, asked: Annotated[DaysAsked, Query()]
) -> Response:
    """The days on the two axes in which they differ the most (principal components of the vectors at length 1)."""
    query = asked.query(site.model_id(asked.model_id), region, absent=False)
    async with site.large:
        async with transaction(site.services.pool) as conn:
            days = await day_columns.read(conn, query)
            if not days.as_of:
                await require_known(conn, site, region, query.model_id)
        return answer(request, await asyncio.to_thread(_map, query, days))


def _timeline(query: PageQuery, instrument: str | None, days: DayColumns, series: Series) -> Timeline:
    left_out = max(len(days.as_of) - MOST_DAYS, 0)
    return Timeline(
        region=query.region,
        model_id=query.model_id,
        instrument_id=instrument,
        truncated=left_out > 0,
        as_of=days.as_of[left_out:],
        label=days.labels[left_out:],
        confidence=days.confidences[left_out:],
        distance=_known(distances(days.vectors))[left_out:],
        price=_known(closes_on(series, days.as_of))[left_out:],
        articles=days.articles[left_out:],
    )


def _map(query: PageQuery, days: DayColumns) -> DayMap:
    left_out = max(len(days.as_of) - MOST_DAYS, 0)
    with threadpool_limits(1):  # on two busy cores several threads wait for each other: 1.4 s instead of 0.02
        found = plane(days.vectors[left_out:])
    x, y = np.round(found.points.T, DECIMALS) + 0.0  # no -0.0
    first, second = np.round(found.explained, DECIMALS).tolist()
    return DayMap(
        region=query.region,
        model_id=query.model_id,
        truncated=left_out > 0,
        explained=(first, second),
        as_of=days.as_of[left_out:],
        x=x.tolist(),
        y=y.tolist(),
        label=days.labels[left_out:],
    )


def distances(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """1 - cosine of each vector (n, d) to the last one before it that is there: (n,); NaN where there is none."""
    found = np.full(len(vectors), np.nan)
    present = np.flatnonzero(~np.isnan(vectors).any(axis=1))
    found[present[1:]] = 1.0 - to_the_one_before(vectors[present])
    return found


def closes_on(series: Series, days: Sequence[dt.date]) -> NDArray[np.float64]:
    """The close of each of the days (n,), ascending; NaN where there is none."""
    found, wanted = np.full(len(days), np.nan), days_of(days)
    at = np.searchsorted(series.dates, wanted)
    there = np.flatnonzero(at < len(series))
    there = there[series.dates[at[there]] == wanted[there]]
    found[there] = series.closes[at[there]]
    return found


def _known(values: NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]
