"""A connection has bounds: how long it may be silent, how many there may be, how long a request's head may be."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn

from stream_app.web import connections
from stream_app.web.serving import config, listening

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
REQUEST = b"GET /?%b HTTP/1.1\r\nHost: localhost\r\n\r\n"
SILENT_SECONDS = 0.2


class Echo:
    """Answers with the length of the query, once it may."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Any, _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self.asked.set()
        await self.may_answer.wait()
        body = str(len(scope["query_string"])).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def app() -> Echo:
    return Echo()


@asynccontextmanager
async def served(app: Echo) -> AsyncIterator[Callable[[], Awaitable[Streams]]]:
    """How to connect to a server of it."""
    server = uvicorn.Server(config(app))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    with listening("127.0.0.1", 0) as listener:
        await server.startup([listener])
        opened: list[asyncio.StreamWriter] = []

        async def connect() -> Streams:
            streams = await asyncio.open_connection(*listener.getsockname()[:2])
            opened.append(streams[1])
            return streams

        try:
            yield connect
        finally:
            for writer in opened:
                writer.close()
            await server.shutdown([listener])


async def closed(reader: asyncio.StreamReader) -> None:
    """Wait until the server has left."""
    with suppress(ConnectionResetError):
        assert await reader.read() == b""


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return head, await reader.readexactly(int(length.split(b":")[1]))


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHo"])
async def test_who_asks_nothing_is_left_and_who_waits_for_an_answer_gets_it(
    app: Echo, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", SILENT_SECONDS)
    app.may_answer.clear()
    async with served(app) as connect:
        reader, writer = await connect()
        writer.write(REQUEST % b"ab")
        await app.asked.wait()
        silent, silently = await connect()
        silently.write(begun)
        await closed(silent)
        app.may_answer.set()
        assert (await answer(reader))[1] == b"2"
        await closed(reader)


async def test_a_new_connection_takes_the_place_of_the_one_that_was_silent_the_longest(
    app: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    async with served(app) as connect:
        first, second = await connect(), await connect()
        first[1].write(REQUEST % b"")
        await answer(first[0])
        third = await connect()
        await closed(second[0])
        for reader, writer in (first, third):
            writer.write(REQUEST % b"abc")
            assert (await answer(reader))[1] == b"3"


async def test_a_long_request_reaches_the_application_in_however_many_parts_it_comes(app: Echo) -> None:
    async with served(app) as connect:
        reader, writer = await connect()
        asked = REQUEST % (b"x" * 100_000)
        writer.write(asked[:50_000])
        await writer.drain()
        writer.write(asked[50_000:])
        assert (await answer(reader))[1] == b"100000"


@pytest.mark.parametrize("sent", [b"GET /?" + b"x" * connections.LONGEST_HEAD_BYTES, b"\x16\x03\x01 no HTTP\r\n\r\n"])
async def test_what_cannot_be_read_is_told_as_a_problem_and_not_logged(
    app: Echo, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    async with served(app) as connect:
        reader, writer = await connect()
        writer.write(sent)
        head, body = await answer(reader)
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"content-type: application/problem+json" in head.lower()
        assert b"content-security-policy" in head.lower()
        assert json.loads(body)["detail"].endswith("at most 131,072 bytes of line and headers.")
    assert not app.asked.is_set()
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
