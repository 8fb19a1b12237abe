"""What travels on `dead-letters`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.fields import Count, EventId, Instant, Offset, Version1


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be decoded, validated or processed. Key: `topic|partition|offset`.

    `key` and `value` are the record's own bytes (base64 in JSON; null where the record had none, and where a compressed
    record is too large for this topic, which the error then says). `reason` is a short code, `error` the sentence
    behind it.
    """

    schema_version: Version1 = 1
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
