"""uvicorn's connections with the bounds that it has none for: whoever reaches the port cannot use up the server."""

import asyncio
import logging
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from stream_app.web.guards import HEADERS, MOST_REQUESTS
from stream_app.web.problems import Refused

IDLE_SECONDS = 15.0
"""A connection on which no whole request has come for so long is closed."""
MOST_CONNECTIONS = 2 * MOST_REQUESTS
"""More than are answered at a time; a new one over these closes the one that has asked nothing for the longest."""
LONGEST_HEAD_BYTES = 128 * 1024
"""A request's line and headers; the application has closer bounds, and says which."""


class BoundedConnection(H11Protocol):
    """A client's connection. What it sends that is no request is told as a problem, as all else is."""

    _giving_up: asyncio.TimerHandle
    """Due so long after it began or was last answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for a request; without room, close who has waited the longest."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > MOST_CONNECTIONS:
            waiting = [each for each in self.connections if isinstance(each, BoundedConnection) and not each.in_hand]
            min(waiting, key=lambda each: each._giving_up.when()).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._giving_up.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._giving_up.cancel()
        self._wait()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read as a request; in the middle of an answer there is nothing to be said."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()
            return
        what = f"{msg} A request of HTTP/1.1 is read, with at most {LONGEST_HEAD_BYTES:,} bytes of line and headers."
        answer = Refused(HTTPStatus.BAD_REQUEST, what).response()
        headers = [*answer.raw_headers, *HEADERS, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=answer.status_code, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def in_hand(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._giving_up = self.loop.call_later(IDLE_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if not self.in_hand:
            self.transport.abort()


def is_no_clients_error(record: logging.LogRecord) -> bool:
    """Whether uvicorn tells of more than what is no HTTP, with which whoever reaches the port could fill the log."""
    return not record.getMessage().startswith(("Invalid HTTP request", "Unsupported upgrade", "No supported WebSocket"))
