"""How a route answers: encoded once, with a tag by which a client asks whether anything is new."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json"
CACHED = "private, no-cache"
"""A client may keep an answer, and asks each time whether it is still the same."""
TAG_BYTES = 16
VARYING = "Accept, Authorization"


def answer(request: Request, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A struct as JSON; 304 where the client has it already."""
    return tagged(request, msgspec.json.encode(body), JSON, headers)


def tagged(request: Request, body: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """Bytes with their entity tag; 304 without them where the client has them already."""
    tag = f'"{hashlib.blake2b(body, digest_size=TAG_BYTES).hexdigest()}"'
    given = {"ETag": tag, "Cache-Control": CACHED, "Vary": VARYING} | dict(headers or {})
    if has_it(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=given)
    return Response(body, headers=given, media_type=media_type)


def has_it(if_none_match: str, tag: str) -> bool:
    """Whether an If-None-Match header names the tag, weak or not, or anything (`*`)."""
    named = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag in named or named == ["*"]
