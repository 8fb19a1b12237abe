"""Whether the server lives and can answer, like a worker's `/livez` and `/readyz`."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from stream_app.errors import Retriable
from stream_app.store.database import ask
from stream_app.web.answering import JSON
from stream_app.web.answers.operations import Alive, Health
from stream_app.web.documents import documented
from stream_app.web.parameters import Parameters
from stream_app.web.site import Site, TheSite

FRESH = {"Cache-Control": "no-store"}

router = APIRouter(tags=["health"])
probes = APIRouter(tags=["health"])


@probes.get("/livez", **documented(Alive, "The server lives."))
async def livez(_: Annotated[Parameters, Query()]) -> Response:
    """Whether the server lives: it does if it answers."""
    return Response(msgspec.json.encode(Alive(alive=True)), headers=FRESH, media_type=JSON)


@probes.get("/readyz", **documented(Health, "Postgres answers.", otherwise={503: "It does not, and why."}))
async def readyz(site: TheSite, _: Annotated[Parameters, Query()]) -> Response:
    """Whether Postgres answers; else 503, and why."""
    found = await _health(site)
    status = HTTPStatus.OK if found.ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(msgspec.json.encode(found), status, FRESH, JSON)


@router.get("/health", **documented(Health, "Whether Postgres answers."))
async def health(site: TheSite, _: Annotated[Parameters, Query()]) -> Response:
    """Whether the server can answer, and what is missing."""
    return Response(msgspec.json.encode(await _health(site)), headers=FRESH, media_type=JSON)


async def _health(site: Site) -> Health:
    try:
        await ask(site.services.pool)
    except Retriable as error:
        return Health(ready=False, missing={"postgres": str(error)})
    return Health(ready=True, missing={})
