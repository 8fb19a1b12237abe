"""Serving: the services are opened, the port is taken, and the application answers until it is asked to end."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn
from uvicorn import Config

from stream_app.config import Settings
from stream_app.embedded import Endpoints
from stream_app.errors import Retriable, UsageError
from stream_app.garbage import seldom_collected
from stream_app.listening import address, why_not
from stream_app.outage import say_waiting
from stream_app.services import open_services
from stream_app.store import migrate
from stream_app.web.access import access
from stream_app.web.app import create_app
from stream_app.web.connections import LONGEST_HEAD_BYTES, BoundedConnection, is_no_clients_error
from stream_app.web.site import Site

STATEMENT_SECONDS = 10.0
DRAIN_SECONDS = 2
"""How long a request in hand may take once the server ends."""
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger(__name__)


async def serve(settings: Settings, endpoints: Endpoints) -> None:
    """Answer until SIGINT or SIGTERM; a second one ends without what is in hand.

    Raises UsageError when the port cannot be opened or strangers might ask without a token, Fatal for a database of
    another release. While Postgres is away it answers that it is.
    """
    who = access(settings)
    with listening(settings.serve_host, settings.serve_port) as listener:
        try:
            await migrate.check(endpoints.database_url)
        except Retriable as error:
            say_waiting(log, "the database is not looked at yet", error)
        async with open_services(settings, endpoints, reading_seconds=STATEMENT_SECONDS) as services:
            site = await Site.of(services, endpoints.kafka, who)
            server = _Server(config(create_app(site)), site)
            log.info("serving at http://%s", address(*listener.getsockname()[:2]))
            try:
                with seldom_collected():
                    await server.serve([listener])
            finally:
                await site.feed.stop()


class _Server(uvicorn.Server):
    """uvicorn's, ended by signals without raising them again at its end; with it end the streams of events."""

    def __init__(self, config: Config, site: Site) -> None:
        super().__init__(config)
        self._site = site

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End at the first signal, at once at the second."""
        loop = asyncio.get_running_loop()
        for number in ENDING_SIGNALS:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in ENDING_SIGNALS:
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        self._site.feed.end_streams()


def config(app: uvicorn.config.ASGIApplication) -> Config:  # type: ignore[name-defined]
    """How uvicorn serves an application."""
    logging.getLogger("uvicorn.error").addFilter(is_no_clients_error)
    return Config(
        app,
        http=BoundedConnection,
        h11_max_incomplete_event_size=LONGEST_HEAD_BYTES,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """The listening socket, taken before anything else, so that a port in use is said at once.

    Its protocol is named, because asyncio turns Nagle's algorithm off only where it is: else a page's last part waits
    40 ms for the client to acknowledge the one before.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()
        except OSError as error:
            where, why = address(host, port), why_not(error)
            raise UsageError(f"Nothing can listen on {where}: {why}; --port takes another one.") from None
        yield listener
