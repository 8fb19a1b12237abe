"""The job that benchmarks/stream.py gives to every candidate."""

from itertools import islice

import pytest

from benchmarks.candidates.job import WINDOW_ROWS, Job, Outcome
from benchmarks.closes import closes
from benchmarks.stream import THIS, figures
from schemas import encode

INSTRUMENTS, DAYS = 3, 2 * WINDOW_ROWS


def values() -> list[bytes]:
    """The closes as they travel."""
    return [encode(event) for event in closes(INSTRUMENTS, DAYS)]


def one_by_one(events: list[bytes]) -> Outcome:
    """What is made of them one at a time."""
    job = Job(len(events))
    ended = [job.handle(event) for event in events]
    assert ended == [False] * (len(events) - 1) + [True]
    return job.outcome()


def test_one_at_a_time_and_many_at_a_time_make_the_same_windows() -> None:
    events, job = values(), Job(INSTRUMENTS * DAYS)
    assert not job.handle_many(events[:100])
    assert job.handle_many(events[100:])
    many = job.outcome("msgspec")
    assert (many.records, many.checksum) == (len(events), one_by_one(events).checksum)
    assert many.seconds > 0
    assert list(many.versions) == ["msgspec"]


def test_a_window_has_the_newest_63_rows() -> None:
    newest = values()[-INSTRUMENTS * WINDOW_ROWS :]
    assert one_by_one(newest).checksum == one_by_one(values()).checksum
    assert one_by_one(newest[INSTRUMENTS:]).checksum != one_by_one(values()).checksum


def test_a_close_that_is_lost_or_out_of_order_is_seen() -> None:
    events = values()
    swapped = [*events[:-4], events[-1], *events[-3:-1], events[-4]]
    assert len({one_by_one(run).checksum for run in (events, events[:-1], swapped)}) == 3


def test_the_closes_are_always_the_same() -> None:
    assert list(closes(2, 3)) == list(closes(2, 3))
    assert [event.instrument_id for event in islice(closes(2, 3), 3)] == ["I0000.X", "I0001.X", "I0000.X"]


def test_ratios_are_of_the_best_runs() -> None:
    rates = {THIS: [90.0, 100.0], "stock Faust": [1.0, 1.0], "Quix Streams": [25.0, 20.0], "Bytewax": [60.0, 50.0]}
    rates["bare aiokafka"] = [100.0, 110.0]
    found = {figure.name: figure for figure in figures(rates, rates)}
    assert found[f"{THIS} / Quix Streams"].value == pytest.approx(4.0)
    assert found[f"{THIS} / Quix Streams"].met is True
    assert found[f"{THIS} / Bytewax"].met is False
    assert found["Bytewax, CPU a close"].value == 50.0
