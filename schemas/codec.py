"""Bytes to events and back. `decode` never raises for bad input: it returns a Rejected.

The reasons: `null-value`, `too-large`, `not-utf8`, `nul-character` (Postgres' text cannot hold it), `too-deep`,
`not-json` (NaN, Infinity and lone surrogates too), `unknown-version`, and `invalid` for every other rule.
"""

import re
from dataclasses import dataclass
from types import UnionType
from typing import Any, Generic, TypeVar, get_args

import msgspec

from schemas.topics import record_max_bytes
from schemas.triggers import DayTrigger
from schemas.wording import in_words, no_json

Event = TypeVar("Event")

MAX_DEPTH = 64
"""Nested arrays and objects. The parser's own bound moves with the caller's stack, but a replay must equal live."""
ERROR_MAX_CHARACTERS = 500

BACKSLASH, ARRAY = b"\\["

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_STRING = re.compile(rb'"[^"\\]*(?:\\.?[^"\\]*)*(?:"|\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a record cannot be used: a short code and the sentence behind it."""

    reason: str
    error: str


class Codec(Generic[Event]):
    """Decodes one kind of event, or a tagged union of them, from JSON."""

    def __init__(self, kind: Any) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._versions = _versions(kind)
        self._max_bytes = record_max_bytes(kind)

    def decode(self, value: bytes | None) -> Event | Rejected:
        """The event in `value`, or why it is none; the reasons stand in the module's docstring."""
        if value is None:
            return Rejected("null-value", "the record has no value")
        unfit = _unfit(value, self._max_bytes)
        if unfit is not None:
            return unfit
        try:
            event: Event = self._decoder.decode(value)
        except msgspec.ValidationError as error:
            return self._invalid(value, error)
        except msgspec.DecodeError as error:
            return Rejected("not-json", no_json(value, str(error)))
        return event

    def _invalid(self, value: bytes, error: msgspec.ValidationError) -> Rejected:
        try:
            version = _version_decoder.decode(value).schema_version
        except msgspec.ValidationError:  # not an object
            version = None
        except msgspec.DecodeError as syntax:  # the decoder had stopped before it came to this
            return Rejected("not-json", no_json(value, str(syntax)))
        if type(version) is int and version not in self._versions:
            return Rejected("unknown-version", f"schema_version is {version}; known are {sorted(self._versions)}")
        return Rejected("invalid", in_words(str(error))[:ERROR_MAX_CHARACTERS])


class _AnyVersion(msgspec.Struct):
    schema_version: Any = 1


_version_decoder = msgspec.json.Decoder(_AnyVersion)


def _versions(kind: Any) -> frozenset[int]:
    structs = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    hints = (
        field.type for struct in structs for field in msgspec.structs.fields(struct) if field.name == "schema_version"
    )
    return frozenset(version for hint in hints for version in get_args(get_args(hint)[0]))


def _unfit(value: bytes, max_bytes: int) -> Rejected | None:
    """What is wrong with the bytes themselves.

    This runs for every record: the exact tests stand behind rough ones that cost some 20 ns each (`int in bytes` is a
    memchr, and eight times quicker than `bytes in bytes`).
    """
    if len(value) > max_bytes:
        return Rejected("too-large", f"the value has {len(value)} bytes; the largest is {max_bytes}")
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            return Rejected("not-utf8", str(error))
    if BACKSLASH in value and b"\\u0000" in value and _NUL.search(value):
        return Rejected("nul-character", "a string holds the character U+0000")
    if (ARRAY in value or value.find(b"{", 1) > 0) and _deeper_than(value, MAX_DEPTH):
        return Rejected("too-deep", f"arrays and objects are nested deeper than {MAX_DEPTH}")
    return None


def _deeper_than(value: bytes, bound: int) -> bool:
    if value.count(b"[") + value.count(b"{") <= bound:
        return False
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", value)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > bound:
            return True
    return False


DAY_TRIGGERS: Codec[DayTrigger] = Codec(DayTrigger)

encode = msgspec.json.Encoder(order="deterministic").encode
"""An event's bytes; the same event always gives the same bytes."""
