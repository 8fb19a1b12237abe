"""A thread reads ahead while a chunk is published; whatever ends the sending, the thread leaves the file first."""

import asyncio
import threading
from pathlib import Path
from typing import Any, cast

import pytest

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
    work = Sending(cast(Any, Acknowledging()), "t", PRICE_CLOSES, report, lambda _: None, lambda _: None, CLOCK)
    task = asyncio.ensure_future(work.send(look_at_all([path], PRICE_CLOSES)))
    await asyncio.to_thread(inside.wait)
    task.cancel()
    await asyncio.wait([task], timeout=UNCHANGED_SECONDS)
    ended_early = task.done()
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ended_early
    assert report.sent == reads_before * sending.CHUNK_ROWS
