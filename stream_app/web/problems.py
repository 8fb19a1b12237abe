"""What goes wrong is told as RFC 9457 has it: `application/problem+json`, one sentence that says what to do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class WrongParameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter that cannot be used: where it stands, its name, and what is wrong with it."""

    where: str
    name: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457). `title` is the status in words, `detail` says what is wrong and what to do."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    errors: Sequence[WrongParameter] = ()
    """The parameters that cannot be used, of a status 422."""


class Refused(Exception):
    """An answer that is a problem."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[WrongParameter] = (),
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(title=status.phrase, status=status, detail=detail, errors=errors)
        self.headers = headers

    def response(self) -> Response:
        """The answer itself."""
        headers = {"Cache-Control": "no-store"} | dict(self.headers or {})
        return Response(msgspec.json.encode(self.problem), self.problem.status, headers, MEDIA_TYPE)


def wrong_parameter(name: str, detail: str, where: str = "query") -> Refused:
    """The refusal of one parameter."""
    wrong = WrongParameter(where=where, name=name, detail=detail)
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: {detail}", errors=[wrong])
