"""Where the next page begins, as an opaque text: what a client may hand back and not make."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec

from stream_app.web.problems import wrong_parameter

LONGEST_CURSOR = 1_024
"""Characters."""

Place = TypeVar("Place", bound=msgspec.Struct)


def written(place: msgspec.Struct) -> str:
    """The cursor of a place: a struct with a tag, so that no list takes the cursor of another one."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read(cursor: str, kind: type[Place], name: str = "cursor") -> Place:
    """The place of a cursor. Refused, naming the parameter, when it is of another list or none at all."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (ValueError, msgspec.MsgspecError):
        raise wrong_parameter(name, "It is not a cursor that this list has given.") from None
