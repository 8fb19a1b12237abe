"""Where the next page begins, as an opaque text: what a client hands back and need not understand."""

import binascii
import datetime as dt
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from schemas.fields import INT32_MAX, INT64_MAX
from stream_app.web.problems import wrong_parameter

LONGEST_CURSOR = 1_024
"""Characters of one in a query."""
MOST_REGIONS = 1_000

_Text = Annotated[str, Meta(max_length=300, pattern=r"^[^\x00]*$")]
_Int32 = Annotated[int, Meta(ge=0, le=INT32_MAX)]
_Int64 = Annotated[int, Meta(ge=-INT64_MAX - 1, le=INT64_MAX)]


class AfterDay(msgspec.Struct, frozen=True, tag="day"):
    """A list of days goes on after this one."""

    as_of: dt.date


class AfterArticle(msgspec.Struct, frozen=True, tag="article"):
    """A list of articles goes on after this one."""

    article_id: _Text


class AfterLetter(msgspec.Struct, frozen=True, tag="letter"):
    """A list of dead letters, the newest first, goes on after this one."""

    timestamp_ms: _Int64
    topic: _Text
    log_epoch: _Int32
    partition: _Int32
    offset: _Int64


class AfterEvents(msgspec.Struct, frozen=True, tag="events"):
    """A stream of events goes on after these: by region the sequence of its last revision; `regions` are those that
    were followed, None all."""

    regions: Annotated[tuple[_Text, ...], Meta(max_length=MOST_REGIONS)] | None
    at: Annotated[Mapping[_Text, _Int64], Meta(max_length=MOST_REGIONS)]


Place = TypeVar("Place", bound=msgspec.Struct)


def written(place: msgspec.Struct) -> str:
    """The cursor of a place."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read(cursor: str, kind: type[Place], name: str = "cursor", where: str = "query") -> Place:
    """The place of a cursor. Refused, naming the parameter, when it is of another kind of list or none at all."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise wrong_parameter(name, "It is not what this list has given.", where) from None
