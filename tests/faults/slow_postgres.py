"""A TCP proxy before Postgres that holds back each of its answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import asyncpg

LOOPBACK = "127.0.0.1"
READ_BYTES = 64 * 1024
NOTHING_YET = b"nothing yet"
HELD_PIECES = 256
"""Of a connection's answers at a time; then the server has to wait."""


class SlowPostgres:
    """Postgres seen through the proxy. `delay_seconds` may be set at any time."""

    def __init__(self, database_url: str) -> None:
        self._url = urlsplit(database_url)
        self._port = 0
        self.delay_seconds = 0.0
        self.held_back = 0
        """How many pieces of answers were held back so far."""

    @property
    def database_url(self) -> str:
        """Where clients reach it."""
        login, _, _ = self._url.netloc.rpartition("@")
        return self._url._replace(netloc=f"{login}@{LOOPBACK}:{self._port}").geturl()

    async def answer_seconds(self) -> float:
        """How long it takes now to answer a query on an open connection."""
        loop = asyncio.get_running_loop()
        connection = await asyncpg.connect(self.database_url)
        try:
            asked = loop.time()
            await connection.execute("SELECT 1")
            return loop.time() - asked
        finally:
            await connection.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD_PIECES)
        holding = asyncio.ensure_future(self._hold_back(server_reader, held))
        passing = [asyncio.ensure_future(_pass_on(reader, server_writer)), asyncio.ensure_future(_let_go(held, writer))]
        try:
            # whoever hangs up, the other side is hung up on
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in (holding, *passing):
                part.cancel()
            await asyncio.gather(holding, *passing, return_exceptions=True)
            server_writer.close()
            writer.close()

    async def _hold_back(self, reader: asyncio.StreamReader, held: "asyncio.Queue[tuple[float, bytes]]") -> None:
        """Take pieces of answers up, and note when each is due; an empty one is the server's end."""
        data = NOTHING_YET
        while data:
            try:
                data = await reader.read(READ_BYTES)
            except ConnectionError:
                data = b""
            self.held_back += self.delay_seconds > 0
            await held.put((asyncio.get_running_loop().time() + self.delay_seconds, data))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["SlowPostgres"]:
        """Take connections until the end of the block."""
        server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


async def _let_go(held: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
    data = NOTHING_YET
    while data:
        due, data = await held.get()
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        writer.write(data)
        await writer.drain()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
