"""The header `origin-position`: how a record that is sent again says where it first stood.

What is wrong with it is one reason, `bad-origin`. Only the record and its own place decide, so that a replay decides as
live did: a header that was copied to other bytes, from another partition or from a later record is refused.
"""

import zlib
from collections.abc import Sequence

import msgspec

from schemas.codec import Rejected
from schemas.dead_letters import OriginPosition

ORIGIN_HEADER = "origin-position"
ORIGIN_MAX_BYTES = 1024
BAD_ORIGIN = "bad-origin"

_decoder = msgspec.json.Decoder(OriginPosition)


def checksum(key: bytes | None, value: bytes | None) -> int:
    """crc32 over a record's key and then its value."""
    return zlib.crc32(value or b"", zlib.crc32(key or b""))


def named_origin(headers: Sequence[tuple[str, bytes | None]]) -> OriginPosition | Rejected | None:
    """The place that a record's headers name, why they name none though they should, or None without the header."""
    named = [value for name, value in headers if name == ORIGIN_HEADER]
    if not named:
        return None
    if len(named) > 1:
        return _bad(f"is there {len(named)} times")
    value = named[0]
    if value is None or len(value) > ORIGIN_MAX_BYTES:
        return _bad("is empty" if value is None else f"has {len(value)} bytes; the most are {ORIGIN_MAX_BYTES}")
    try:
        return _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _bad(f"cannot be read: {error}")


def unfit_origin(origin: OriginPosition, own: OriginPosition) -> Rejected | None:
    """Why a record at its `own` place cannot come from `origin`, if so."""
    if origin.checksum != own.checksum:
        return _bad("is of a record with other bytes")
    if origin.log_epoch > own.log_epoch:
        return _bad(f"names log epoch {origin.log_epoch}, but this is {own.log_epoch}")
    if origin.log_epoch < own.log_epoch:
        return None
    if origin.partition != own.partition:
        return _bad(f"names partition {origin.partition}, but this is {own.partition}")
    if origin.offset >= own.offset or origin.timestamp_ms > own.timestamp_ms:
        return _bad(f"names offset {origin.offset} at {origin.timestamp_ms} ms, which is not before this record")
    return None


def _bad(error: str) -> Rejected:
    return Rejected(BAD_ORIGIN, f"the header {ORIGIN_HEADER} {error}")
