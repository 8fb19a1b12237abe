"""A client of the events' stream, in this process: httpx would wait for its end."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from stream_app.web.app import create_app
from stream_app.web.site import Site

DEADLINE_SECONDS = 20.0
PATH = "/api/v1/events"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; one without a name tells the client where the stream is."""

    name: str | None
    id: str | None
    data: dict[str, Any] | None

    @property
    def told(self) -> tuple[str, str, int]:
        """Which revision it tells of."""
        assert self.data is not None
        return self.data["region"], self.data["as_of"], self.data["revision"]


@dataclass(slots=True)
class Stream:
    """What a server has sent; `left` is set by a client that has enough."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    taken: int = 0
    ended: bool = False

    @property
    def events(self) -> list[Event]:
        """The whole events so far; comments are none."""
        blocks = self.body.decode().replace("\r\n", "\n").split("\n\n")[:-1]
        fields = [
            dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":")) for block in blocks
        ]
        return [
            Event(each.get("event"), each.get("id"), json.loads(each["data"]) if "data" in each else None)
            for each in fields
            if each
        ]

    async def next(self) -> Event:
        """The next event, once it is there."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(self.events) <= self.taken:
                assert not self.ended, "the stream has ended"
                self.arrived.clear()
                await self.arrived.wait()
        self.taken += 1
        return self.events[self.taken - 1]

    async def take(self, count: int) -> list[Event]:
        """The next events."""
        return [await self.next() for _ in range(count)]


@asynccontextmanager
async def streaming(site: Site, query: str = "", last_event_id: str | None = None) -> AsyncIterator[Stream]:
    """A stream that has begun; its client leaves at the end of the block."""
    stream, headers = Stream(), [(b"host", b"localhost")]
    if last_event_id is not None:
        headers.append((b"last-event-id", last_event_id.encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
    }
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await stream.left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            stream.status = message["status"]
            stream.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            stream.body += message.get("body", b"")
            stream.ended = not message.get("more_body", False)
        stream.arrived.set()

    task = asyncio.create_task(create_app(site)(scope, receive, send))  # type: ignore[arg-type] # an ASGI application
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await stream.arrived.wait()
        yield stream
    finally:
        stream.left.set()
        await task
