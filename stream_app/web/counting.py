"""Requests counted and timed for Prometheus, those that the guards refuse among them."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream_app.metrics.counting import add, observe
from stream_app.metrics.listed import REQUEST_SECONDS, REQUESTS
from stream_app.web.guards import API, EVENTS, VERSION_1

OTHER = "other"
"""In place of a path without a route, of which strangers could make up any number."""


class Counted:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count a request when its answer begins, and time it when the answer has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                add(REQUESTS, 1, _path(scope), str(message["status"]))
            await send(message)

        began = time.perf_counter()
        await self._app(scope, receive, send_counted)
        if scope["path"] != EVENTS:
            observe(REQUEST_SECONDS, time.perf_counter() - began, _path(scope))


def _path(scope: Scope) -> str:
    """The path of the route that was chosen, with its parameters' names."""
    route = scope.get("route")
    if route is None:
        return OTHER
    path: str = route.path
    # FastAPI names a route without the prefix of the router that holds its router.
    return path if path.startswith(API) or not scope["path"].startswith(API) else f"{VERSION_1}{path}"
