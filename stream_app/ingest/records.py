"""A row as a record: the bytes that are published are the bytes that were decoded, as the worker will decode them."""

from dataclasses import dataclass
from typing import Any, Generic

import msgspec

from schemas import Rejected, encode, too_far_ahead
from stream_app.ingest.kinds import Event, Kind
from stream_app.ingest.rows import Fields, Row

METADATA_MAX_COLUMNS = 64
METADATA_MAX_BYTES = 16 * 1024
"""Of the unknown columns of a row; what is more is left out. What the source itself calls metadata is not bounded."""
DATE_LENGTH = len("2024-01-31")
LAST_SECOND_UTC = "T23:59:59Z"


@dataclass(frozen=True, slots=True)
class Record(Generic[Event]):
    """A record to publish. `left_out`: the row's unknown columns were too many or too large to be kept."""

    key: bytes
    value: bytes
    event: Event
    left_out: bool


def record(row: Row, kind: Kind[Event], now_ms: int) -> Record[Event] | Rejected:
    """The record of a row, or why the row is rejected. `now_ms` stands for the time that Kafka will give the record."""
    if isinstance(row.fields, Rejected):
        return row.fields
    absent = {} if row.fields.get("retracted") else kind.absent
    fields = {"schema_version": 1, **absent, **row.fields}
    _complete_date(fields)
    try:
        left_out = _keep_extra(fields, row.extra)
        value = encode(fields)
    except UnicodeEncodeError:
        return Rejected("not-utf8", "the row holds bytes that are not UTF-8")
    event = kind.codec.decode(value)
    if isinstance(event, Rejected):
        return event
    ahead = too_far_ahead(event, now_ms)
    return ahead or Record(getattr(event, kind.key).encode(), value, event, left_out)


def _complete_date(fields: Fields) -> None:
    """A date-only article whose time is a bare date: its source names no offset, so the day ends in UTC."""
    published = fields.get("published_at")
    if fields.get("time_precision") == "date" and isinstance(published, str) and len(published) == DATE_LENGTH:
        fields["published_at"] = published + LAST_SECOND_UTC


def _keep_extra(fields: Fields, extra: dict[str, Any]) -> bool:
    """Put the unknown columns into the metadata, where the row's own metadata goes first; True if they do not fit."""
    if not extra:
        return False
    own = fields.get("metadata", {})
    if not isinstance(own, dict):  # the codec says what is wrong with it
        return False
    if len(extra) > METADATA_MAX_COLUMNS or len(msgspec.json.encode(extra)) > METADATA_MAX_BYTES:
        return True
    fields["metadata"] = extra | own
    return False
