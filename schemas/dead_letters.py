"""What travels on `dead-letters`."""

import datetime as dt
from typing import Annotated, Literal

import msgspec


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be decoded, validated or processed, whole. Key: `topic|partition|offset`.

    `key` and `value` are the record's own bytes (base64 in JSON; null where the record had none). `reason` is a short
    code, `error` the sentence behind it.
    """

    schema_version: Literal[1] = 1
    event_id: str
    topic: str
    log_epoch: int
    partition: int
    offset: int
    timestamp: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    key: bytes | None
    value: bytes | None
    reason: str
    error: str
