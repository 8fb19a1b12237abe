"""Where a record that was sent again first stood, by its header; the product is not imported, as in the oracle."""

import json
import zlib

from tests.faults.observed import Record

FIRST_EPOCH = 1
"""No fault test recreates a topic."""
ORIGIN_HEADER = "origin-position"
FIELDS = {"log_epoch", "timestamp_ms", "partition", "offset", "checksum"}

Position = tuple[int, int, int]
"""Timestamp in milliseconds, partition, offset."""


def origin_of(record: Record, position: Position, header: bytes | None) -> Position | None:
    """Where a record that was sent again first stood: before it, in its partition, with its bytes. Else None."""
    try:
        named = json.loads(header or b"")
        crc = zlib.crc32((record.key or b"") + (record.value or b""))
        if not set(named) >= FIELDS or (named["log_epoch"], named["checksum"]) != (FIRST_EPOCH, crc):
            return None
        timestamp_ms, partition, offset = named["timestamp_ms"], named["partition"], named["offset"]
    except (ValueError, TypeError):
        return None
    before = 0 <= timestamp_ms <= position[0] and partition == position[1] and 0 <= offset < position[2]
    return (timestamp_ms, partition, offset) if before else None
