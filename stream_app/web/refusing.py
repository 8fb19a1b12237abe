"""How an exception becomes a problem: what the person asked wrongly, and a service that is away."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stream_app.errors import Away, Fatal, Retriable
from stream_app.outage import say_waiting
from stream_app.web.problems import Refused, WrongParameter

RETRY_SECONDS = 2
MOST_ERRORS = 10
"""Wrong parameters that are told of one request."""
LONGEST_TOLD = 200
"""Characters of a name, or of what is wrong, in which a value may stand."""
TOO_MUCH = "Postgres has not answered this in time, or refused it for now: ask for less, or again in a moment."
SENTENCES: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "There is nothing here; /api/v1/openapi.json lists what there is.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This is only read: ask with GET.",
}

log = logging.getLogger(__name__)


def refuse_in_problems(app: FastAPI) -> None:
    """Let the app answer every exception that is no bug by a problem."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(Retriable, _away)
    app.add_exception_handler(Fatal, _fatal)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.response()


async def _of_http(_: Request, error: Exception) -> Response:
    """What the framework itself refuses."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return Refused(status, SENTENCES.get(status, f"{error.detail}."), error.headers).response()


async def _of_parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = [_wrong(each) for each in error.errors()[:MOST_ERRORS]]
    detail = " ".join(f"{each.name}: {each.detail}" for each in wrong)
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=wrong).response()


def _wrong(error: Mapping[str, object]) -> WrongParameter:
    place = error["loc"]
    assert isinstance(place, tuple)
    where, name, *_ = map(str, (*place, ""))
    detail = "There is no such parameter" if error["type"] == "extra_forbidden" else f"{error['msg']}"
    return WrongParameter(where=where, name=_short(name), detail=f"{_short(detail.removesuffix('.'))}.")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]} …"


async def _away(_: Request, error: Exception) -> Response:
    say_waiting(log, "a request was not answered", error)
    told = f"{error.service} does not answer now: ask again in a moment." if isinstance(error, Away) else TOO_MUCH
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, told, {"Retry-After": f"{RETRY_SECONDS}"}).response()


async def _fatal(_: Request, error: Exception) -> Response:
    log.error("a request was not answered: %s", error)
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": f"{RETRY_SECONDS}"}).response()
