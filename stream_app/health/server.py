"""The health endpoint: `/livez`, `/readyz` and `/metrics` over HTTP, in a thread with an event loop of its own.

So a stage whose event loop is busy or stands still is answered for all the same. 200 or 503, and JSON that says why;
what Prometheus reads is always 200.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.http import HttpProcessingError

from stream_app.errors import UsageError
from stream_app.health.report import StageReport, liveness, metrics, readiness
from stream_app.listening import address, why_not
from stream_app.metrics.exposition import CONTENT_TYPE

CLOSE_SECONDS = 1.0
IDLE_SECONDS = 15.0
"""A connection that has asked nothing for so long is closed."""
MOST_CONNECTIONS = 64
"""A new one over these closes the oldest, so that whoever reaches the port cannot use up the process's files."""
NOT_WELL = 503

Reports = Callable[[], Sequence[StageReport]]
Judge = Callable[[Sequence[StageReport]], tuple[bool, dict[str, Any]]]

log = logging.getLogger(__name__)


@contextmanager
def served(host: str, port: int | None, reports: Reports) -> Iterator[None]:
    """Answer on this port (0: a free one; None: nowhere) until the end of the block.

    Raises UsageError when the port cannot be opened.
    """
    if port is None:
        yield
        return
    runner = web.AppRunner(
        _application(reports),
        access_log=None,
        logger=_server_log(),
        shutdown_timeout=CLOSE_SECONDS,
        keepalive_timeout=IDLE_SECONDS,
    )
    with _thread() as run, ExitStack() as stack:
        stack.callback(lambda: run(runner.cleanup()))
        listening = run(_listen(runner, host, port))
        stack.callback(lambda: run(_close(listening)))
        at = address(*listening.sockets[0].getsockname()[:2])
        log.info("health is answered at http://%s/livez and /readyz, metrics at /metrics", at)
        yield


def _application(reports: Reports) -> web.Application:
    application = web.Application()
    application.add_routes(
        [
            web.get("/livez", _answer(liveness, reports)),
            web.get("/readyz", _answer(readiness, reports)),
            web.get("/metrics", _tell_metrics(reports)),
        ]
    )
    return application


def _server_log() -> logging.Logger:
    """Where aiohttp tells of errors; not of what is no HTTP, or whoever reaches the port could fill the log."""
    server_log = logging.getLogger(f"{__name__}.http")
    server_log.addFilter(_is_no_clients_error)
    return server_log


def _is_no_clients_error(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _answer(judge: Judge, reports: Reports) -> Callable[[web.Request], Coroutine[Any, Any, web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        well, body = judge(reports())
        return web.Response(
            body=msgspec.json.encode(body),
            status=200 if well else NOT_WELL,
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    return answer


def _tell_metrics(reports: Reports) -> Callable[[web.Request], Coroutine[Any, Any, web.Response]]:
    async def tell(_request: web.Request) -> web.Response:
        return web.Response(body=metrics(reports()), headers={"Content-Type": CONTENT_TYPE})

    return tell


async def _listen(runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    await runner.setup()
    server = runner.server
    assert server is not None

    def connected() -> asyncio.Protocol:
        for oldest in server.connections[: max(0, len(server.connections) - MOST_CONNECTIONS + 1)]:
            oldest.force_close()
        return server()

    try:
        return await asyncio.get_running_loop().create_server(connected, host, port)
    except OSError as error:
        raise UsageError(f"The health port {address(host, port)} cannot be opened: {why_not(error)}.") from None


async def _close(listening: asyncio.Server) -> None:
    listening.close()


@contextmanager
def _thread() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Runs coroutines in a thread's event loop and waits for them."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="health", daemon=True)
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
