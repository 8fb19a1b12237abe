"""The regions: whether their days are open, closing or closed, and their newest contexts."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stream_app.web import region_states
from stream_app.web.answering import answer
from stream_app.web.answers.regions import RegionList
from stream_app.web.documents import documented
from stream_app.web.parameters import Parameters
from stream_app.web.site import TheSite

router = APIRouter(tags=["regions"])


@router.get("/regions", **documented(RegionList, "The regions by name."))
async def regions(request: Request, site: TheSite, _: Annotated[Parameters, Query()]) -> Response:
    """Every region of the regions file and of the database, with its state and its newest context of each model."""
    return answer(request, await region_states.read(site.services))
