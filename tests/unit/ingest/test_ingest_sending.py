"""A thread reads ahead while a chunk is published; whatever ends the sending, the thread leaves the file first."""

import asyncio
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from schemas import PriceClose
from stream_app.ingest import sending
from stream_app.ingest.kinds import PRICE_CLOSES
from stream_app.ingest.report import Report
from stream_app.ingest.sending import Sending, look_at_all
from tests.unit.ingest.times import CLOCK

UNCHANGED_SECONDS = 0.2


class Acknowledging:
    """A broker that takes everything at once."""

    async def publish(self, records: Any) -> None:
        """Taken."""
        del records


class Silent:
    """A broker that acknowledges nothing."""

    def __init__(self) -> None:
        self.given = asyncio.Event()

    async def publish(self, records: Any) -> None:
        """Never comes back."""
        del records
        self.given.set()
        await asyncio.Event().wait()


def sending_to(broker: Acknowledging | Silent, report: Report) -> Sending[PriceClose]:
    """Sends prices to this broker."""
    return Sending(cast(Any, broker), "t", PRICE_CLOSES, report, lambda _: None, lambda _: None, CLOCK)


@pytest.mark.parametrize("reads_before", [0, 1], ids=["the-first-chunk", "the-chunk-after-one-that-was-sent"])
async def test_ctrl_c_waits_for_the_thread_that_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads_before: int
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("instrument_id,trade_date,close,volume\n" + "X.US,2008-09-15,1200.5,8\n" * (sending.CHUNK_ROWS + 1))
    inside, may_go_on, read = threading.Event(), threading.Event(), sending._next_chunk
    calls = iter(range(10))

    def slowly(*arguments: Any) -> Any:
        if next(calls) == reads_before:
            inside.set()
            may_go_on.wait()
        return read(*arguments)

    monkeypatch.setattr(sending, "_next_chunk", slowly)
    report = Report()
    task = asyncio.ensure_future(sending_to(Acknowledging(), report).send(look_at_all([path], PRICE_CLOSES)))
    await asyncio.to_thread(inside.wait)
    task.cancel()
    await asyncio.wait([task], timeout=UNCHANGED_SECONDS)
    ended_early = task.done()
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ended_early
    assert report.sent == reads_before * sending.CHUNK_ROWS


async def test_rows_that_the_broker_has_not_acknowledged_are_counted_as_under_way(tmp_path: Path) -> None:
    path, report, broker = tmp_path / "prices.csv", Report(), Silent()
    path.write_text("instrument_id,trade_date,close,volume\n" + "X.US,2008-09-15,1200.5,8\n" * 7)
    sources = look_at_all([path], PRICE_CLOSES)
    await sending_to(Acknowledging(), report).send(sources)
    assert (report.under_way, report.sent) == (0, 7)
    task = asyncio.ensure_future(sending_to(broker, report).send(sources))
    await broker.given.wait()
    task.cancel()
    await asyncio.wait([task])
    assert (report.under_way, report.sent) == (7, 7)
