"""The dashboard: one page that asks the API, and its files. They need no token, what they ask for does."""

import asyncio
from http import HTTPStatus

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stream_app.web.answering import tagged
from stream_app.web.assets import Asset, page
from stream_app.web.problems import Refused

FOR_EVER = "public, max-age=31536000, immutable"
"""A file of another content has another URL."""

router = APIRouter(include_in_schema=False)


@router.get("/")
async def dashboard(request: Request) -> Response:
    """The page, asked for anew each time, so that it always loads the files of this server."""
    made = await asyncio.to_thread(page)
    return tagged(request, made.index.body, made.index.media_type)


@router.get("/page/{version}/{name}")
async def asset(request: Request, version: str, name: str) -> Response:
    """A file of the page."""
    made = await asyncio.to_thread(page)
    found = made.assets.get(name) if version == made.version else None
    if found is None:
        raise Refused(HTTPStatus.NOT_FOUND, "The page has no such file now: load it again.")
    return await _answer(found, request.headers.get("accept-encoding", ""))


async def _answer(found: Asset, accept_encoding: str) -> Response:
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if not _takes_gzip(accept_encoding):
        return Response(found.body, headers=headers, media_type=found.media_type)
    body = await asyncio.to_thread(lambda: found.gzipped)
    return Response(body, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.media_type)


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header names gzip and does not refuse it (RFC 9110, 12.5.3)."""
    for each in accept_encoding.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
