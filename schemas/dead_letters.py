"""What travels on `dead-letters`, and the place that a record which is sent again says it comes from."""

from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.fields import Count, EventId, Instant, Offset, Ordinal, Version1, version_1

UINT32_MAX = 2**32 - 1


class OriginPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record that was sent again first stood in its topic; the value of its header `origin-position`.

    Of two versions of a natural key the one whose place is newer is current, and this is the record's place.
    `timestamp_ms` is the first record's Kafka time, never lower than its predecessor's in the partition. `checksum` is
    the crc32 of the key's bytes and then the value's, so that a header which was copied to another record shows.
    """

    log_epoch: Ordinal
    timestamp_ms: Offset
    partition: Count
    offset: Offset
    checksum: Annotated[int, Meta(ge=0, le=UINT32_MAX)]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record that could not be decoded, validated or processed. Key: `topic|partition|offset`.

    `key` and `value` are the record's own bytes (base64 in JSON; null where the record had none, and where a compressed
    record is too large for this topic, which the error then says). `reason` is a short code, `error` the sentence
    behind it. `origin` is there where the record was an earlier dead letter's, sent again: the first one's place.
    """

    schema_version: Version1 = msgspec.field(default_factory=version_1)
    event_id: EventId
    topic: Annotated[str, Meta(min_length=1)]
    log_epoch: Count
    partition: Count
    offset: Offset
    timestamp: Instant
    key: bytes | None
    value: bytes | None
    reason: Annotated[str, Meta(min_length=1)]
    error: str
    origin: OriginPosition | None = None
