"""Where a fetch is cut into chunks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.kafka.chunks import Chunk, ChunkLimits, cut, still_owned
from tests.unit.kafka.rows import Row


def test_a_chunk_is_cut_at_so_many_records() -> None:
    runs = list(cut([Row(offset) for offset in range(7)], ChunkLimits(records=3, bytes=100)))
    assert [[row.offset for row in run] for run in runs] == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_chunk_is_cut_at_so_many_bytes_of_keys_and_values() -> None:
    rows = [Row(0, b"12345", b"k"), Row(1, b"1234"), Row(2, b"1"), Row(3, None, b"12345678")]
    runs = list(cut(rows, ChunkLimits(records=100, bytes=10)))
    assert [[row.offset for row in run] for run in runs] == [[0, 1], [2, 3]]


def test_a_record_above_the_limit_is_a_chunk_of_its_own() -> None:
    runs = list(cut([Row(0, b"x" * 50), Row(1, b"x" * 50), Row(2)], ChunkLimits(records=100, bytes=10)))
    assert [[row.offset for row in run] for run in runs] == [[0], [1], [2]]


def test_of_nothing_there_is_no_chunk() -> None:
    assert list(cut([], ChunkLimits(records=3, bytes=10))) == []


@given(st.lists(st.integers(0, 40)), st.integers(1, 6), st.integers(1, 60))
def test_chunks_are_the_records_in_order_and_within_the_limits(sizes: list[int], records: int, size: int) -> None:
    rows = [Row(offset, b"x" * weight) for offset, weight in enumerate(sizes)]
    runs = list(cut(rows, ChunkLimits(records, size)))
    assert [row for run in runs for row in run] == rows
    assert all(0 < len(run) <= records for run in runs)
    assert all(sum(len(row.value or b"") for row in run) <= size for run in runs if len(run) > 1)


def test_a_chunk_made_by_hand_is_owned_for_ever() -> None:
    chunk = Chunk("prices.closes", 3, 1, [Row(5), Row(9)])
    assert still_owned(chunk)
    assert (chunk.tp, chunk.first_offset, chunk.last_offset) == (("prices.closes", 3), 5, 9)


@pytest.mark.parametrize("limits", [ChunkLimits(1, 1), ChunkLimits(2_000, 4 * 1024 * 1024)])
def test_limits_may_be_changed_while_a_stage_runs(limits: ChunkLimits) -> None:
    limits.bytes = 5
    limits.records = 10
    assert [len(run) for run in cut([Row(offset, b"123") for offset in range(4)], limits)] == [1, 1, 1, 1]
