"""Sending files: a chunk of rows is read and checked in a thread while the chunk before it is published."""

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic

from schemas import Rejected
from stream_app.clock import Clock
from stream_app.errors import Fatal, UsageError
from stream_app.ingest.files import DASH, UNREADABLE, Source, look_at
from stream_app.ingest.kinds import Event, Kind
from stream_app.ingest.reading import Position, Reading, reading
from stream_app.ingest.records import Record, record
from stream_app.ingest.report import Report
from stream_app.ingest.rows import Row
from stream_app.kafka.producing import Outgoing
from stream_app.kafka.publisher import Publisher

CHUNK_ROWS = 5_000
CHUNK_BYTES = 4 * 1024 * 1024

Seen = Callable[[Sequence[Event]], None]
"""Is told the events of every chunk that was acknowledged."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How far ingesting has come: the file, the bytes of it that were read, and the rows sent of all files."""

    source: Source
    read_bytes: int
    report: Report


@dataclass(slots=True)
class Chunk(Generic[Event]):
    """Checked rows: records to publish and rows to reject, and how far the file was read."""

    records: list[Record[Event]]
    rejected: list[tuple[str, Rejected]]
    read_bytes: int


def look_at_all(paths: Sequence[Path], kind: Kind[Event]) -> list[Source]:
    """The inputs, each found fit to be ingested, headers included, before anything is sent. Raises UsageError."""
    if list(paths).count(DASH) > 1:
        raise UsageError("Standard input (-) can be read once.")
    sources = [look_at(path) for path in paths]
    for source in sources:
        try:
            with reading(source, kind) as found:
                next(found.rows, None)
        except UNREADABLE as error:
            raise UsageError(f"{source.path} cannot be read: {error}.") from None
        if source.standard_input is not None:
            source.standard_input.remember_no_more()
    return sources


@dataclass(slots=True)
class Sending(Generic[Event]):
    """Sends files of one kind to its topic (`topic` is the name on the wire), counting into `report`."""

    publisher: Publisher
    topic: str
    kind: Kind[Event]
    report: Report
    seen: Seen[Event]
    moved: Callable[[Moved], None]
    clock: Clock

    async def send(self, sources: Sequence[Source]) -> None:
        """Send every file's rows, in order. Raises Retriable when the broker is away, Fatal for a damaged file."""
        started = time.monotonic()
        before = self.report.seconds
        for source in sources:
            with reading(source, self.kind) as found, closing(_chunks(source, found, self.kind, self.clock)) as chunks:
                await self._send_chunks(source, chunks, lambda: before + time.monotonic() - started)

    async def _send_chunks(self, source: Source, chunks: Iterator[Chunk[Event]], elapsed: Callable[[], float]) -> None:
        chunk = await _read(source, _being_read(chunks))
        while chunk is not None:
            following = _being_read(chunks)
            try:
                await self._publish(source, chunk)
            except BaseException:
                await _left(source, following)
                raise
            chunk = await _read(source, following)
            self.report.seconds = elapsed()

    async def _publish(self, source: Source, chunk: Chunk[Event]) -> None:
        self.report.under_way = len(chunk.records)
        await self.publisher.publish([Outgoing(self.topic, r.key, r.value) for r in chunk.records])
        self.report.under_way = 0
        self.report.read += len(chunk.records) + len(chunk.rejected)
        self.report.sent += len(chunk.records)
        self.report.left_out += sum(r.left_out for r in chunk.records)
        for place, rejected in chunk.rejected:
            self.report.reject(source.path, place, rejected)
        self.seen([r.event for r in chunk.records])
        self.moved(Moved(source, chunk.read_bytes, self.report))


def _being_read(chunks: Iterator[Chunk[Event]]) -> "asyncio.Future[Chunk[Event] | None]":
    return asyncio.ensure_future(asyncio.to_thread(next, chunks, None))


async def _read(source: Source, being_read: "asyncio.Future[Chunk[Event] | None]") -> Chunk[Event] | None:
    """The chunk that a thread reads. Ctrl-C is passed on only after the thread has left the file."""
    try:
        return await asyncio.shield(being_read)
    except asyncio.CancelledError:
        await _left(source, being_read)
        raise


async def _left(source: Source, being_read: "asyncio.Future[Chunk[Event] | None]") -> None:
    """Wait until the thread has left the file, which may then be closed; what it read or found wrong is dropped."""
    source.let_go()
    await asyncio.wait([being_read])
    being_read.exception()


def _milliseconds(now: dt.datetime) -> int:
    return int(now.timestamp() * 1000)


def _chunks(source: Source, found: Reading, kind: Kind[Event], clock: Clock) -> Generator[Chunk[Event]]:
    """The input's rows in chunks of at most 5,000 rows and about 4 MiB. Raises Fatal where it is damaged."""
    try:
        while chunk := _next_chunk(found.rows, found.position, kind, _milliseconds(clock.now())):
            yield chunk
    except UNREADABLE as error:
        place = "row" if source.format == "parquet" else "line"
        raise Fatal(f"{source.path} is damaged near {place} {found.position.number:,}: {error}.") from error


def _next_chunk(remaining: Iterator[Row], position: Position, kind: Kind[Event], now_ms: int) -> Chunk[Event] | None:
    chunk: Chunk[Event] = Chunk([], [], 0)
    size_bytes = 0
    for row in islice(remaining, CHUNK_ROWS):
        found = record(row, kind, now_ms)
        if isinstance(found, Rejected):
            chunk.rejected.append((row.place, found))
        else:
            chunk.records.append(found)
            size_bytes += len(found.value)
            if size_bytes >= CHUNK_BYTES:
                break
    chunk.read_bytes = position.read_bytes
    return chunk if chunk.records or chunk.rejected else None
