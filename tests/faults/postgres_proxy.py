"""A TCP proxy before Postgres that loses the answer to a COMMIT: the transaction is committed, and its client not told.

It reads what the client sends message by message (PostgreSQL's frontend protocol 3.0), as asyncpg sends it unencrypted.
"""

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PROTOCOL_3 = 196_608
LENGTH_BYTES = 4
READ_BYTES = 64 * 1024
COMMIT = b"Q\0\0\0\x0cCOMMIT;\0"
COMMITTED = b"C\0\0\0\x0bCOMMIT\0"


@dataclass
class CommitCutter:
    """Cuts the connection after some COMMITs, as drawn, until it has done so `cuts` times.

    It has done so after `cuts` times `most_between` others at the latest.
    """

    host: str
    port: int
    drawn: random.Random
    most_between: int
    """How many COMMITs at most are answered before the first cut, and between two."""
    cuts: int
    cut: int = 0
    """How many COMMITs Postgres has confirmed whose client was not told."""
    _streams: set[asyncio.StreamWriter] = field(default_factory=set)
    _answered_first: int = field(init=False)

    def __post_init__(self) -> None:
        self._answered_first = self.drawn.randint(0, self.most_between)

    async def serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Carry one connection, until either side ends it or its COMMIT is answered."""
        from_server, to_server = await asyncio.open_connection(self.host, self.port)
        both = {to_client, to_server}
        self._streams |= both
        loses = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as carrying:
                carrying.create_task(_ended_with(both, self._requests(from_client, to_server, loses)))
                carrying.create_task(_ended_with(both, self._answers(from_server, to_client, loses)))
        finally:
            self._streams -= both

    async def _requests(self, client: asyncio.StreamReader, server: asyncio.StreamWriter, loses: asyncio.Event) -> None:
        protocol = 0
        while protocol != PROTOCOL_3:  # before it a client may ask for encryption, which is refused here
            head = await client.readexactly(2 * LENGTH_BYTES)
            length, protocol = struct.unpack("!ii", head)
            server.write(head + await client.readexactly(length - len(head)))
        while True:
            head = await client.readexactly(1 + LENGTH_BYTES)
            (length,) = struct.unpack("!i", head[1:])
            message = head + await client.readexactly(length - LENGTH_BYTES)
            if message == COMMIT and self.cut < self.cuts and self._is_next():
                loses.set()
            server.write(message)
            await server.drain()

    def _is_next(self) -> bool:
        """Whether this COMMIT's answer is to be lost."""
        if self._answered_first > 0:
            self._answered_first -= 1
            return False
        self._answered_first = self.drawn.randint(0, self.most_between)
        return True

    async def _answers(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, loses: asyncio.Event) -> None:
        while data := await server.read(READ_BYTES):
            if loses.is_set():
                while len(data) < len(COMMITTED):
                    data += await server.readexactly(len(COMMITTED) - len(data))
                if data.startswith(COMMITTED):
                    self.cut += 1
                    return
                loses.clear()  # it was rolled back
            client.write(data)
            await client.drain()

    def stop(self) -> None:
        """Cut whatever is still carried."""
        for stream in self._streams:
            stream.transport.abort()


async def _ended_with(streams: set[asyncio.StreamWriter], carrying: Coroutine[Any, Any, None]) -> None:
    """Whatever ends one direction cuts both sides."""
    try:
        with suppress(OSError, asyncio.IncompleteReadError):
            await carrying
    finally:
        for stream in streams:
            stream.transport.abort()


@asynccontextmanager
async def commit_cutter(
    database_url: str, drawn: random.Random, *, most_between: int, cuts: int
) -> AsyncIterator[tuple[CommitCutter, str]]:
    """A proxy before the database, and the database's URL through it."""
    asked = urlsplit(database_url)
    assert asked.hostname is not None
    assert asked.port is not None
    cutter = CommitCutter(asked.hostname, asked.port, drawn, most_between, cuts)
    server = await asyncio.start_server(cutter.serve, asked.hostname, 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield cutter, asked._replace(netloc=asked.netloc.replace(f":{asked.port}", f":{port}")).geturl()
    finally:
        server.close()
        cutter.stop()
        await server.wait_closed()
