"""Standard input: read once, looked at before that, and left when nobody wants it any more."""

import asyncio
import gzip
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from schemas import PriceClose
from stream_app.errors import Retriable, UsageError
from stream_app.ingest import standard_input
from stream_app.ingest.files import DASH, LINE_MAX_BYTES, Source
from stream_app.ingest.kinds import NEWS_ARTICLES, PRICE_CLOSES, Kind
from stream_app.ingest.reading import reading
from stream_app.ingest.records import Record, record
from stream_app.ingest.report import Report
from stream_app.ingest.sending import CHUNK_ROWS, Moved, Sending, look_at_all
from tests.unit.ingest.times import CLOCK, NOW_MS

HEADER = b"instrument_id,trade_date,close,volume\n"
ROW = b"SPX.US,2008-09-15,1192.7,5\n"
ARTICLE = b'{"article_id":"a","published_at":"2008-09-15T05:00:00Z","headline":"h"}\n'


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.FileIO]:
    """The writing end of a pipe that is standard input."""
    reads, writes = os.pipe()
    monkeypatch.setattr(standard_input, "DESCRIPTOR", reads)
    with io.FileIO(writes, "w") as pipe:
        yield pipe
    os.close(reads)


def written(writer: io.FileIO, content: bytes, *, close: bool = True) -> threading.Thread:
    """A thread that writes all of the content into the pipe, which holds 64 KiB of it."""

    def write() -> None:
        assert writer.write(content) == len(content)
        if close:
            writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def events(source: Source, kind: Kind[Any]) -> list[Any]:
    with reading(source, kind) as found:
        results = [record(row, kind, NOW_MS) for row in found.rows]
    return [result.event if isinstance(result, Record) else result for result in results]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "kind", "count"),
    [(HEADER + ROW * 30_000, PRICE_CLOSES, 30_000), (ARTICLE * 5_000, NEWS_ARTICLES, 5_000)],
    ids=["csv", "jsonl"],
)
def test_every_row_is_read_once_whatever_the_format(
    writer: io.FileIO, content: bytes, kind: Kind[Any], count: int, pack: Any
) -> None:
    thread = written(writer, pack(content))
    (source,) = look_at_all([DASH], kind)
    found = events(source, kind)
    thread.join()
    assert len(found) == count
    assert set(map(type, found)) == {kind.event}


def test_a_writer_that_gives_a_byte_at_a_time_is_understood(writer: io.FileIO, monkeypatch: pytest.MonkeyPatch) -> None:
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, _: read(descriptor, 1))
    thread = written(writer, gzip.compress(HEADER + ROW))
    (source,) = look_at_all([DASH], PRICE_CLOSES)
    (found,) = events(source, PRICE_CLOSES)
    thread.join()
    assert isinstance(found, PriceClose)


def test_looking_at_an_endless_line_remembers_a_bounded_part_of_it(writer: io.FileIO) -> None:
    thread = written(writer, b"{" + b"x" * (4 * LINE_MAX_BYTES) + b"\n" + ARTICLE)
    (source,) = look_at_all([DASH], NEWS_ARTICLES)
    assert source.standard_input is not None
    assert len(source.standard_input._remembered) < LINE_MAX_BYTES + 1_000_000
    large, good = events(source, NEWS_ARTICLES)
    thread.join()
    assert (large.reason, good.article_id) == ("too-large", "a")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "standard input is empty."),
        (b"Date,Close\n1,2\n", "standard input has the columns 'Date', 'Close'; prices also need instrument_id"),
        (b"PAR1\0\0", "standard input holds Parquet, which can be read from a file only"),
        (gzip.compress(HEADER + ROW, mtime=0)[:40], "standard input cannot be read: "),
    ],
)
def test_what_cannot_be_ingested_is_refused_in_a_sentence(writer: io.FileIO, content: bytes, told: str) -> None:
    thread = written(writer, content)
    with pytest.raises(UsageError) as raised:
        look_at_all([DASH], PRICE_CLOSES)
    thread.join()
    assert str(raised.value).startswith(told)


def test_it_can_be_named_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Standard input \\(-\\) can be read once"):
        look_at_all([DASH, tmp_path, DASH], PRICE_CLOSES)


def test_a_closed_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="Standard input \\(-\\) is closed"):
        look_at_all([DASH], PRICE_CLOSES)


class Broker:
    """Takes what comes, or is away."""

    def __init__(self, away: bool = False) -> None:
        self._away = away
        self.took = asyncio.Event()

    async def publish(self, records: Any) -> None:
        """Taken, or not."""
        del records
        if self._away:
            raise Retriable("The broker is away.")
        self.took.set()


def sending(broker: Broker, report: Report) -> Sending[PriceClose]:
    def moved(moved: Moved) -> None:
        assert moved.source.size_bytes is None

    return Sending(cast(Any, broker), "t", PRICE_CLOSES, report, lambda _: None, moved, CLOCK)


@pytest.mark.parametrize(("pack", "rows"), [(bytes, CHUNK_ROWS), (gzip.compress, 4 * CHUNK_ROWS)])
async def test_ctrl_c_ends_the_wait_for_a_writer_that_is_silent(writer: io.FileIO, pack: Any, rows: int) -> None:
    first, rest = pack(HEADER + ROW * rows), pack(ROW)[:-9]
    thread = written(writer, first + rest, close=False)
    (source,) = await asyncio.to_thread(look_at_all, [DASH], PRICE_CLOSES)
    broker, report = Broker(), Report()
    task = asyncio.ensure_future(sending(broker, report).send([source]))
    await broker.took.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    thread.join()
    assert CHUNK_ROWS <= report.sent <= rows


async def test_a_broker_that_is_away_ends_it_while_the_writer_is_silent(writer: io.FileIO) -> None:
    thread = written(writer, HEADER + ROW * CHUNK_ROWS, close=False)
    (source,) = await asyncio.to_thread(look_at_all, [DASH], PRICE_CLOSES)
    with pytest.raises(Retriable, match="away"):
        await sending(Broker(away=True), Report()).send([source])
    thread.join()
