"""What the server counts, for Prometheus."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from stream_app.metrics.counting import snapshot
from stream_app.metrics.exposition import CONTENT_TYPE, exposition
from stream_app.metrics.listed import EVENT_STREAMS, OF_THE_SERVER
from stream_app.metrics.samples import gauge
from stream_app.web.documents import COMMON
from stream_app.web.guards import METRICS
from stream_app.web.parameters import Parameters
from stream_app.web.site import TheSite

SERVE = "serve"
"""What stands in the label `stage`."""

router = APIRouter(tags=["health"])


@router.get(
    METRICS,
    response_model=None,
    responses={
        200: {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        401: COMMON[401],
    },
)
async def metrics(site: TheSite, _: Annotated[Parameters, Query()]) -> Response:
    """What Prometheus reads: requests, how long they took, and open streams of events."""
    streams = gauge(EVENT_STREAMS, {(): float(site.feed.followers)})
    page = exposition({SERVE: [*snapshot(OF_THE_SERVER), streams]})
    return Response(page, headers={"Content-Type": CONTENT_TYPE})
