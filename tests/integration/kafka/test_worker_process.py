"""A stage in a process of its own: what is left of its work when it is killed or told to stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stream_app.kafka.access import KafkaAccess
from tests.integration.kafka.recording import DEADLINE_SECONDS, Recorder, Running, committed, publish, stage


@contextmanager
def worker(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The worker process, killed at the end of the block if it still runs."""
    command = [sys.executable, "-m", "tests.integration.kafka.worker", *arguments]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3]) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(fact: Callable[[], bool]) -> None:
    """Give way to the other process until the fact is true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not fact():
        assert time.monotonic() < deadline, "the fact did not come true in time"
        os.sched_yield()


def handled(file: Path) -> dict[int, int]:
    """By partition the offset after the last record that the worker has handled, which it did without a gap."""
    ends: dict[int, int] = {}
    for line in file.read_text().splitlines():
        if line != "waiting":
            partition, first, last = map(int, line.split())
            assert first <= ends.get(partition, 0)
            ends[partition] = last + 1
    return ends


async def test_a_killed_worker_loses_nothing(kafka: KafkaAccess, topic: str, tmp_path: Path) -> None:
    await publish(kafka, topic, dict.fromkeys(range(4), 20_000))
    file = tmp_path / "handled"
    file.touch()
    with worker(kafka.servers, topic, str(file)) as process:
        wait_for(lambda: file.stat().st_size > 2_000)
        process.kill()
    before = handled(file)
    assert 0 < sum(before.values()) < 80_000, "it was killed in the middle"
    recorder = Recorder()
    async with Running(kafka, stage(topic, recorder, records=1_000)):
        await recorder.until(lambda: {p: rows[-1] for p, rows in recorder.offsets().items()} == _last(20_000))
    assert await committed(kafka, topic) == dict.fromkeys(range(4), 20_000)
    for partition, offsets in recorder.offsets().items():
        assert offsets == list(range(offsets[0], 20_000))
        assert offsets[0] <= before.get(partition, 0), "what was not handled comes again"


async def test_sigterm_waits_for_the_handler_commits_and_exits_0(
    kafka: KafkaAccess, topic: str, tmp_path: Path
) -> None:
    await publish(kafka, topic, {2: 10})
    file, gate = tmp_path / "handled", tmp_path / "gate"
    file.touch()
    os.mkfifo(gate)
    with worker(kafka.servers, topic, str(file), str(gate)) as process:
        wait_for(lambda: file.read_text() == "waiting\n")
        process.send_signal(signal.SIGTERM)
        await publish(kafka, topic, {2: 10})
        assert file.read_text() == "waiting\n"
        gate.write_bytes(b"")
        assert process.wait(DEADLINE_SECONDS) == 0
    assert handled(file) == {2: 10}
    assert await committed(kafka, topic) == {2: 10}


def _last(count: int) -> dict[int, int]:
    return dict.fromkeys(range(4), count - 1)
