"""What msgspec finds wrong with a value, said for people: the field first, then what it must be."""

import re

_PLACED = re.compile(r"(?P<told>.*) - at `\$\.(?P<field>.*)`", re.DOTALL)
_MISSING = re.compile(r"(?:(?P<field>.*): )?object missing required field `(?P<name>\w+)`", re.IGNORECASE)
_TYPES = re.compile(r"`([a-z| ]+)`")
_BYTE = re.compile(r"\(byte (\d+)\)")
_TIME = "expected a time with an offset, such as 2024-01-31T16:00:00Z"
_FOR_PEOPLE = {
    "Expected `datetime` with a timezone component": _TIME,
    "Invalid RFC3339 encoded datetime": _TIME,
    "Invalid RFC3339 encoded date": "expected a date such as 2024-01-31",
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "datetime": "a time",
    "date": "a date",
    "array": "a list",
    "object": "an object",
}
NO_NUMBERS = (b"NaN", b"Infinity")
"""What some writers of JSON put in a number's place, and its standard does not know."""


def in_words(error: str) -> str:
    """The message of a msgspec.ValidationError, as in `close: expected a number >= 1e-30` and `volume is missing`."""
    if placed := _PLACED.fullmatch(error):
        told = placed["told"]
        error = f"{placed['field']}: {_FOR_PEOPLE.get(told, told[:1].lower() + told[1:])}"
    if missing := _MISSING.fullmatch(error):
        return ".".join(filter(None, missing.group("field", "name"))) + " is missing"
    return _TYPES.sub(_types, error)


def no_json(value: bytes, error: str) -> str:
    """The message of a msgspec.DecodeError about these bytes; NaN and Infinity are named."""
    at = _BYTE.search(error)
    for name in NO_NUMBERS:
        if at is not None and value.startswith(name, int(at[1])):
            return f"{name.decode()} is no number in JSON {at[0]}"
    return error


def _types(found: re.Match[str]) -> str:
    return " or ".join(_FOR_PEOPLE.get(name, name) for name in found[1].split(" | "))
