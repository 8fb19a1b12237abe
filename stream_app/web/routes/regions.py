"""The regions: whether their days are open, closing or closed, and their newest contexts."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stream_app.status.regions import region_facts
from stream_app.store import region_days
from stream_app.store.database import connection
from stream_app.web.answering import answer
from stream_app.web.answers.contexts import ContextHeader
from stream_app.web.answers.regions import Region, RegionList
from stream_app.web.documents import documented
from stream_app.web.parameters import Parameters
from stream_app.web.site import TheSite

router = APIRouter(tags=["regions"])


@router.get("/regions", **documented(RegionList, "The regions by name."))
async def regions(request: Request, site: TheSite, _: Annotated[Parameters, Query()]) -> Response:
    """Every region of the regions file and of the database, with its state and its newest context of each model."""
    services = site.services
    facts = {each.region: each for each in await region_facts(services)}
    async with connection(services.pool) as conn:
        names = sorted({*facts, *await region_days.regions(conn)})
        days = await region_days.newest(conn, names)
    newest = {name: [ContextHeader.of(day) for day in days.get(name, ())] for name in names}
    told = [
        Region.of(facts[name], services.regions[name], newest[name])
        if name in facts
        else Region.without_config(name, newest[name])
        for name in names
    ]
    return answer(request, RegionList(regions=told))
