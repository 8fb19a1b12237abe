"""Where a chunk's records stand in the log."""

import datetime as dt
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.placing import Decoded, Records, by_first_position, decode, moved_on, rows_of
from schemas import Codec, OriginPosition, PriceClose, Rejected, encode, origins
from schemas.origins import BAD_ORIGIN, ORIGIN_HEADER
from stream_app.kafka.chunks import Chunk, checksum
from stream_app.store.progress import Progress
from tests.unit.kafka.rows import Row

CLOSES: Records[PriceClose] = Records(Codec(PriceClose), "instrument_id", lambda *_: None)
WAS = Progress("prices.closes", 2, 3, 10, 9, 1000, 77, 1000)
GOOD = encode(PriceClose(instrument_id="A", trade_date=dt.date(2008, 9, 15), close=1.0, volume=2.0))


def row(offset: int, timestamp: int = 2000, value: bytes | None = GOOD, key: bytes | None = b"A") -> Row:
    return Row(offset, value, key, timestamp)


def decoded(*rows: Row, was: Progress = WAS) -> Decoded[PriceClose]:
    return decode(Chunk("prices.closes", 2, 1, rows), was, CLOSES)


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
    letter = found.letters[0].event
    assert (letter.reason, letter.key, letter.value) == (reason, record.key, record.value)
    assert (letter.topic, letter.log_epoch, letter.partition, letter.offset) == ("prices.closes", 3, 2, 10)
    assert letter.timestamp == dt.datetime(1970, 1, 1, 0, 0, 2, tzinfo=dt.UTC)
    assert error is None or letter.error == error


def test_a_dead_letter_is_the_same_each_time_and_made_once() -> None:
    bad = row(10, value=b"{")
    first, again = decoded(bad).letters, decoded(bad, row(11)).letters
    assert first == again
    assert decoded(bad, was=replace(WAS, next_offset=11)).letters == []
    assert decoded(row(11, value=b"{")).letters[0].event.event_id != first[0].event.event_id


def test_a_stages_own_check_may_reject_what_decodes_by_the_records_own_time() -> None:
    reject = Rejected("invalid", "not today")

    def check(event: PriceClose, received_ms: int) -> Rejected | None:
        return reject if (event.close, received_ms) == (1.0, 500) else None

    chunk = Chunk("prices.closes", 2, 1, [row(10, 3000), row(11, 500), row(12, 3000)])
    found = decode(chunk, WAS, replace(CLOSES, check=check))
    assert [placed.log_offset for placed in found.fresh] == [10, 12]
    assert [(x.offset, x.reason, x.error) for x in found.new_letters] == [(11, "invalid", "not today")]


def origin(offset: int = 4, timestamp_ms: int = 900, value: bytes = GOOD, **changed: int) -> OriginPosition:
    place = {"log_epoch": 3, "timestamp_ms": timestamp_ms, "partition": 2, "offset": offset}
    return OriginPosition(**(place | {"checksum": origins.checksum(b"A", value)} | changed))


def sent_again(offset: int, first: OriginPosition, value: bytes = GOOD) -> Row:
    return Row(offset, value, b"A", 2000, [("trace", b"x"), (ORIGIN_HEADER, encode(first))])


def test_what_was_sent_again_keeps_both_places_and_its_versions_go_by_the_first() -> None:
    found = decoded(row(10), sent_again(11, origin()), sent_again(12, origin(3)))
    own, *again = found.fresh
    assert [placed.position for placed in found.fresh] == [(3, 2000, 2, 10), (3, 2000, 2, 11), (3, 2000, 2, 12)]
    assert [placed.first_position for placed in found.fresh] == [(3, 2000, 2, 10), (3, 900, 2, 4), (3, 900, 2, 3)]
    assert list(by_first_position(found.fresh)) == [*reversed(again), own]
    rows, longer = rows_of(found.fresh, lambda placed: placed.position)
    assert (rows, longer[0]) == ([own.position], (*again[0].position, *again[0].first_position))
    assert [(each.origin.offset, each.log_epoch, each.offset) for each in found.returned] == [(4, 3, 11), (3, 3, 12)]


def test_of_ordinary_records_nothing_but_their_own_place_is_handed_on() -> None:
    found = decoded(row(10), Row(11, GOOD, b"A", 2000, [("trace", b"x")]))
    assert rows_of(found.fresh, lambda placed: placed.position)[1] == []
    assert found.returned == []
    assert by_first_position(found.fresh) is found.fresh


def test_what_is_rejected_again_is_a_letter_that_names_its_first_place_and_says_that_it_came() -> None:
    bad = b"{"
    found = decoded(sent_again(10, origin(value=bad), bad))
    assert [(letter.event.reason, letter.event.origin) for letter in found.letters] == [("not-json", origin(value=bad))]
    assert found.letters[0].origin == origin(value=bad)
    assert [each.offset for each in found.returned] == [10]


def test_what_was_sent_again_and_is_rejected_again_does_not_count_against_the_limits() -> None:
    bad = b"{"
    chunk = Chunk("prices.closes", 2, 1, [row(9), row(10), row(11, value=bad), sent_again(12, origin(value=bad), bad)])
    assert decode(chunk, WAS, CLOSES).countable(chunk) == ([10, 11], {11})


def test_a_letter_of_a_first_rejection_is_sent_again_from_its_own_position() -> None:
    [letter] = decoded(row(10, 3000), row(11, 2000, b"{")).letters
    assert letter.event.origin is None
    assert letter.origin == origin(11, 3000, b"{")


@pytest.mark.parametrize(
    "record",
    [
        Row(10, GOOD, b"A", 2000, [(ORIGIN_HEADER, b"1|2")]),
        Row(10, GOOD, b"A", 2000, [(ORIGIN_HEADER, encode(origin()))] * 2),
        sent_again(10, origin(partition=1)),
        sent_again(10, origin(offset=10)),
        sent_again(
            10, origin(), encode(PriceClose(instrument_id="A", trade_date=dt.date(2008, 9, 15), retracted=True))
        ),
        sent_again(10, origin(log_epoch=4)),
    ],
)
def test_a_header_that_is_malformed_or_another_records_makes_a_dead_letter_of_that_reason(record: Row) -> None:
    found = decoded(record, row(11))
    assert [(letter.event.reason, letter.event.origin) for letter in found.letters] == [(BAD_ORIGIN, None)]
    assert [placed.log_offset for placed in found.fresh] == [11]
    assert found.returned == []


def test_where_records_mean_something_at_their_own_place_alone_none_may_name_another() -> None:
    chunk = Chunk("prices.closes", 2, 1, [sent_again(10, origin())])
    found = decode(chunk, WAS, replace(CLOSES, sent_again=False))
    assert [letter.reason for letter in found.new_letters] == [BAD_ORIGIN]


def test_what_was_applied_before_does_not_return_again() -> None:
    found = decoded(sent_again(9, origin()), row(10))
    assert [placed.log_offset for placed in found.applied] == [9]
    assert found.returned == []
