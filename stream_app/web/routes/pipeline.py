"""How far the pipeline is, and what is wrong with it."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stream_app.web import pipeline_states
from stream_app.web.answering import answer
from stream_app.web.answers.operations import PipelineState
from stream_app.web.documents import documented
from stream_app.web.parameters import Parameters
from stream_app.web.site import TheSite

router = APIRouter(tags=["pipeline"])


@router.get("/pipeline", **documented(PipelineState, "How far the pipeline is."))
async def pipeline(request: Request, site: TheSite, _: Annotated[Parameters, Query()]) -> Response:
    """Each stage's lag by partition, what waits, the last closes, dead letters by reason, and problems in sentences.

    While Kafka is away what the database knows is told all the same.
    """
    return answer(request, await pipeline_states.read(site))
