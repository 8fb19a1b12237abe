"""The header `origin-position`: what it says of a record that is sent again, and what it may not say."""

import msgspec
import pytest

from schemas import OriginPosition, Rejected, encode
from schemas.origins import BAD_ORIGIN, ORIGIN_HEADER, ORIGIN_MAX_BYTES, checksum, named_origin, unfit_origin

ORIGIN = OriginPosition(log_epoch=1, timestamp_ms=1000, partition=2, offset=7, checksum=checksum(b"k", b"v"))
OWN = OriginPosition(log_epoch=1, timestamp_ms=2000, partition=2, offset=20, checksum=checksum(b"k", b"v"))
WRITTEN = encode(ORIGIN)


def test_the_header_is_read_as_it_was_written_whatever_stands_beside_it() -> None:
    assert named_origin([("trace", b"\xff"), (ORIGIN_HEADER, WRITTEN), ("other", None)]) == ORIGIN
    assert named_origin([(ORIGIN_HEADER, WRITTEN.replace(b"}", b',"of a later release":1}'))]) == ORIGIN


def test_a_record_without_the_header_names_no_origin() -> None:
    assert named_origin([]) is None
    assert named_origin([("origin", WRITTEN), ("Origin-Position", b"x")]) is None


@pytest.mark.parametrize(
    "values",
    [
        [WRITTEN, WRITTEN],
        [None],
        [b""],
        [b"1|2"],
        [b"\xff\xfe"],
        [b"[" * ORIGIN_MAX_BYTES],
        [b" " * ORIGIN_MAX_BYTES + WRITTEN],
        [b"{}"],
        [b"null"],
        [b"[1, 1000, 2, 7, 0]"],
        [WRITTEN.replace(b'"offset"', b'"offsets"')],
        [WRITTEN.replace(b":7", b":-7")],
        [WRITTEN.replace(b":7", b":7.5")],
        [WRITTEN.replace(b":7", b':"7"')],
        [WRITTEN.replace(b":7", b":9223372036854775808")],
        [WRITTEN.replace(b":2", b":2147483648")],
        [WRITTEN.replace(b'"log_epoch":1', b'"log_epoch":0')],
        [WRITTEN.replace(b'"log_epoch":1', b'"log_epoch":true')],
    ],
    ids=repr,
)
def test_a_header_that_says_no_place_is_refused_for_a_reason_of_its_own(values: list[bytes | None]) -> None:
    refused = named_origin([(ORIGIN_HEADER, value) for value in values])
    assert isinstance(refused, Rejected)
    assert refused.reason == BAD_ORIGIN
    assert refused.error.startswith("the header origin-position ")
    assert len(refused.error) < 1000


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"checksum": 0}, "other bytes"),
        ({"log_epoch": 2}, "log epoch 2"),
        ({"partition": 3}, "partition 3"),
        ({"offset": 20}, "not before this record"),
        ({"offset": 2**63 - 1}, "not before this record"),
        ({"timestamp_ms": 2001}, "not before this record"),
    ],
)
def test_a_place_that_the_record_cannot_come_from_is_refused(changed: dict[str, int], told: str) -> None:
    refused = unfit_origin(msgspec.structs.replace(ORIGIN, **changed), OWN)
    assert refused is not None
    assert refused.reason == BAD_ORIGIN
    assert told in refused.error


def test_an_earlier_place_of_the_partition_or_any_of_an_earlier_log_is_taken() -> None:
    assert unfit_origin(ORIGIN, OWN) is None
    assert unfit_origin(msgspec.structs.replace(ORIGIN, timestamp_ms=2000, offset=19), OWN) is None
    later = msgspec.structs.replace(OWN, log_epoch=2)
    assert unfit_origin(msgspec.structs.replace(ORIGIN, partition=9, offset=99, timestamp_ms=9999), later) is None


def test_the_checksum_is_of_the_key_and_then_the_value() -> None:
    assert checksum(b"ab", b"c") == checksum(b"a", b"bc") != checksum(b"c", b"ab")
    assert checksum(None, None) == checksum(b"", b"") == 0
