"""What stands before every route: headers for the browser, the server's own name, the token, and two bounds."""

import asyncio
import logging
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream_app.web.access import Access
from stream_app.web.problems import Refused

API = "/api"
VERSION_1 = f"{API}/v1"
EVENTS = f"{VERSION_1}/events"
METRICS = "/metrics"
FREE_PATHS = frozenset({"/", "/livez", "/readyz"})
"""What is answered without a token, and so are the files of the page."""
FREE_FOLDER = "/page/"
MOST_REQUESTS = 256
"""Answered at a time, streams of events aside, which have a bound of their own."""
LONGEST_QUERY_BYTES = 8_192
REQUEST_SECONDS = 15.0
# Nothing but this server's own files, and no script or style in the page itself. The hash is that of an empty <style>:
# Plotly makes some, and adds their rules by script, which needs no leave.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]

log = logging.getLogger(__name__)


class Guards:
    """An ASGI application around another one, which has told of all but bugs by itself."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            self._check(scope)
            await self._answer(scope, receive, send_guarded)
        except Exception as error:
            if begun:
                raise
            refused = error if isinstance(error, Refused) else _bug(error)
            await refused.response()(scope, receive, send_guarded)

    def _check(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        if not self._access.knows_host(headers.get(b"host", b"")):
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                "The server is not known under this name: ask 127.0.0.1 or localhost, or add it to serve_hosts.",
            )
        if any(character < " " for character in scope["path"]):  # a route would match in spite of a newline at the end
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such path: it has a control character.")
        if len(scope["query_string"]) > LONGEST_QUERY_BYTES:
            raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, f"A query may have {LONGEST_QUERY_BYTES:,} bytes.")
        if _needs_token(scope["path"]) and not self._access.admits(headers.get(b"authorization", b"")):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "The header `Authorization: Bearer …` with the token of serve_token_file is missing or wrong.",
                {"WWW-Authenticate": 'Bearer realm="stream-app"'},
            )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == EVENTS:
            await self._app(scope, receive, send)
            return
        if self._requests >= MOST_REQUESTS:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests at a time.", {"Retry-After": "1"})
        self._requests += 1
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._app(scope, receive, send)
        except TimeoutError:
            detail = f"The answer took over {REQUEST_SECONDS:g} s: ask for less, or again in a moment."
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "2"}) from None
        finally:
            self._requests -= 1


def _needs_token(path: str) -> bool:
    return path not in FREE_PATHS and not path.startswith(FREE_FOLDER)


def _bug(error: Exception) -> Refused:
    """What is told of a bug; the log tells all of it."""
    log.error("a request ended in a bug", exc_info=error)
    return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "The server has failed; its log says how.")
