"""Where a chunk's records stand in the log."""

import datetime as dt
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.placing import Decoded, checksum, decode, moved_on
from schemas import Codec, PriceClose, Rejected, encode
from stream_app.kafka.chunks import Chunk
from stream_app.store.progress import Progress
from tests.unit.kafka.rows import Row

CODEC: Codec[PriceClose] = Codec(PriceClose)
WAS = Progress("prices.closes", 2, 3, 10, 9, 1000, 77, 1000)
GOOD = encode(PriceClose(instrument_id="A", trade_date=dt.date(2008, 9, 15), close=1.0, volume=2.0))


def row(offset: int, timestamp: int = 2000, value: bytes | None = GOOD, key: bytes | None = b"A") -> Row:
    return Row(offset, value, key, timestamp)


def decoded(*rows: Row, was: Progress = WAS) -> Decoded[PriceClose]:
    return decode(Chunk("prices.closes", 2, 1, rows), was, CODEC, "instrument_id", lambda *_: None)


def test_records_below_the_progress_are_applied_already_and_only_published_again() -> None:
    found = decoded(row(8), row(9), row(10), row(12))
    assert [placed.log_offset for placed in found.applied] == [8, 9]
    assert [placed.position for placed in found.fresh] == [(3, 2000, 2, 10), (3, 2000, 2, 12)]


def test_a_position_never_falls_behind_its_predecessor_whatever_the_brokers_clock_does() -> None:
    found = decoded(row(10, 500), row(11, 3000), row(12, 9000, b"bad"), row(13, 4000))
    assert [placed.log_timestamp_ms for placed in found.fresh] == [1000, 3000, 9000]
    assert (found.now.position_ms, found.now.last_timestamp_ms) == (9000, 4000)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.data())
def test_positions_do_not_depend_on_where_the_log_is_cut_into_chunks(times: list[int], data: st.DataObject) -> None:
    rows = [row(10 + index, time) for index, time in enumerate(times)]
    at = data.draw(st.integers(0, len(rows)))
    whole, was, parts = decoded(*rows), WAS, []
    for part in (rows[:at], rows[at:]):
        if part:
            found = decoded(*part, was=was)
            parts += found.fresh
            was = found.now
    assert parts == whole.fresh
    assert was == whole.now


def test_progress_moves_behind_the_last_record_with_its_time_and_checksum() -> None:
    last = row(14, 2500)
    assert decoded(row(10), last).now == replace(
        WAS,
        next_offset=15,
        last_offset=14,
        last_timestamp_ms=2500,
        last_checksum=zlib.crc32(b"A" + GOOD),
        position_ms=2500,
    )
    assert checksum(Row(0, None, None)) == 0


def test_a_chunk_that_was_applied_moves_nothing_back() -> None:
    assert decoded(row(5), row(9)).now == WAS
    assert moved_on(WAS, [row(3)], 9999) == WAS


@pytest.mark.parametrize(
    ("record", "reason", "error"),
    [
        (row(10, value=None), "null-value", "the record has no value"),
        (row(10, value=b"{"), "not-json", None),
        (row(10, key=None), "no-key", "the record has no key; it must be the instrument_id"),
        (row(10, key=b"B"), "key-differs", "the record's key is not its instrument_id"),
        (row(10, key=b"\xff"), "key-differs", None),
        (row(10, value=b"{}", key=None), "invalid", None),
    ],
)
def test_what_cannot_be_used_is_a_dead_letter_with_its_bytes_and_origin(
    record: Row, reason: str, error: str | None
) -> None:
    found = decoded(record, row(11))
    assert [placed.log_offset for placed in found.fresh] == [11]
    letter = found.letters[0]
    assert (letter.reason, letter.key, letter.value) == (reason, record.key, record.value)
    assert (letter.topic, letter.log_epoch, letter.partition, letter.offset) == ("prices.closes", 3, 2, 10)
    assert letter.timestamp == dt.datetime(1970, 1, 1, 0, 0, 2, tzinfo=dt.UTC)
    assert error is None or letter.error == error


def test_a_dead_letter_is_the_same_each_time_and_made_once() -> None:
    bad = row(10, value=b"{")
    first, again = decoded(bad).letters, decoded(bad, row(11)).letters
    assert first == again
    assert decoded(bad, was=replace(WAS, next_offset=11)).letters == []
    assert decoded(row(11, value=b"{")).letters[0].event_id != first[0].event_id


def test_a_stages_own_check_may_reject_what_decodes_by_the_records_own_time() -> None:
    reject = Rejected("invalid", "not today")

    def check(event: PriceClose, received_ms: int) -> Rejected | None:
        return reject if (event.close, received_ms) == (1.0, 500) else None

    chunk = Chunk("prices.closes", 2, 1, [row(10, 3000), row(11, 500), row(12, 3000)])
    found = decode(chunk, WAS, CODEC, "instrument_id", check)
    assert [placed.log_offset for placed in found.fresh] == [10, 12]
    assert [(letter.offset, letter.reason, letter.error) for letter in found.letters] == [(11, "invalid", "not today")]
