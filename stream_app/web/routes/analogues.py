"""The days most alike to a day, and what followed them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stream_app.evaluation.followed import followed
from stream_app.evaluation.volatility import HORIZON_SESSIONS
from stream_app.store import analogues, prices
from stream_app.store.analogues import AlikeDay, AlikeQuery
from stream_app.store.database import Connection, connection
from stream_app.store.prices import EMPTY, Series
from stream_app.web.answering import answer
from stream_app.web.answers.charts import Analogue, AnalogueList, FollowedTold
from stream_app.web.documents import documented
from stream_app.web.known import require_known
from stream_app.web.parameters import MOST_REGIONS, DayInPath, Flag, ModelId, RegionInPath, RegionName, Span
from stream_app.web.problems import Refused
from stream_app.web.site import Site, TheSite

LARGEST_GAP_DAYS = 36_600
MARGIN_DAYS = 2 * HORIZON_SESSIONS + 30
"""Calendar days that hold the horizon's sessions, also across a long closure of the exchange."""

router = APIRouter(tags=["contexts"])


class AnaloguesAsked(Span):
    """Among which days, and how many."""

    model_id: ModelId | None = None
    limit: Annotated[int, Field(ge=1, le=100, description="Days, the most alike first")] = 10
    min_gap_days: Annotated[
        int,
        Field(ge=0, le=LARGEST_GAP_DAYS, description="The fewest calendar days between a day and the one asked for"),
    ] = 30
    regions: Annotated[
        tuple[RegionName, ...], Field(max_length=MOST_REGIONS, description="Of these regions; else of the same one")
    ] = ()
    look_ahead: Annotated[
        Flag, Field(description="Also later days, and all that followed; else only what was over by the day")
    ] = False

    def query(self, model_id: str, region: str, as_of: dt.date) -> AlikeQuery:
        """The days to compare: the day itself never is among them."""
        gap = dt.timedelta(days=max(self.min_gap_days, 1))
        before = as_of - gap if as_of - dt.date.min > gap else dt.date.min
        after = as_of + gap if self.look_ahead and dt.date.max - as_of > gap else dt.date.max
        return AlikeQuery(
            model_id,
            self.regions or [region],
            self.start or dt.date.min,
            self.end or dt.date.max,
            before,
            after,
            self.limit,
        )


@router.get("/regions/{region}/contexts/{as_of}/analogues", **documented(AnalogueList, "The days alike."))
async def days_alike(
    request: Request, site: TheSite, region: RegionInPath, as_of: DayInPath, asked: Annotated[AnaloguesAsked, Query()]
) -> Response:
    """The days whose newest vectors have the largest cosine to the day's own, every stored one compared.

    Beside each stands what its region's first instrument did over the next 21 sessions.
    """
    query = asked.query(site.model_id(asked.model_id), region, as_of)
    async with site.large, connection(site.services.pool) as conn:
        wanted = await analogues.vector(conn, region, as_of, query.model_id)
        if wanted is None:
            await require_known(conn, site, region, query.model_id)
            raise Refused(HTTPStatus.NOT_FOUND, f"{region} has no vector of {query.model_id} on {as_of}.")
        found = await analogues.alike(conn, wanted, query)
        series = await _series(conn, site, found)
    known_until = None if asked.look_ahead else as_of
    return answer(
        request,
        AnalogueList(
            region=region,
            as_of=as_of,
            model_id=query.model_id,
            min_gap_days=asked.min_gap_days,
            look_ahead=asked.look_ahead,
            horizon_sessions=HORIZON_SESSIONS,
            analogues=[_analogue(day, _instrument(site, day.region), series, known_until) for day in found],
        ),
    )


async def _series(conn: Connection, site: Site, days: Sequence[AlikeDay]) -> dict[str, Series]:
    """The closes around the days, by instrument."""
    margin = dt.timedelta(days=MARGIN_DAYS)
    ranges: dict[str, tuple[dt.date, dt.date]] = {}
    for day in days:
        if (instrument := _instrument(site, day.region)) is not None:
            first, last = ranges.get(instrument, (day.as_of, day.as_of))
            ranges[instrument] = min(first, day.as_of), max(last, day.as_of)
    return await prices.current_series(
        conn, {name: (first - margin, last + margin) for name, (first, last) in ranges.items()}
    )


def _instrument(site: Site, region: str) -> str | None:
    config = site.services.regions.get(region)
    return None if config is None else config.instruments[0]


def _analogue(
    day: AlikeDay, instrument: str | None, series: Mapping[str, Series], known_until: dt.date | None
) -> Analogue:
    found = None if instrument is None else followed(series.get(instrument, EMPTY), day.as_of, known_until)
    told = None
    if found is not None and instrument is not None:
        told = FollowedTold(
            instrument_id=instrument,
            last_date=found.last_date,
            simple_return=found.simple_return,
            volatility=found.volatility,
        )
    return Analogue(region=day.region, as_of=day.as_of, similarity=day.similarity, followed=told)
