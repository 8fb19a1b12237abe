"""How far the pipeline is, and what is wrong with it."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stream_app.web.answering import answer
from stream_app.web.answers.operations import PipelineState
from stream_app.web.documents import documented
from stream_app.web.parameters import Parameters
from stream_app.web.site import TheSite

router = APIRouter(tags=["pipeline"])


@router.get("/pipeline", **documented(PipelineState, "How far the pipeline is."))
async def pipeline(request: Request, site: TheSite, _: Annotated[Parameters, Query()]) -> Response:
    """Each stage's lag by partition, dead letters by reason, what is wrong, what to do, as `stream-app status` has it.

    A service that is away hides what only it knows, and nothing else.
    """
    return answer(request, PipelineState.of(await site.looks.now(), site.services.settings))
