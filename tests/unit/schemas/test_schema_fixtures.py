"""Every version's records decode for ever, and bad ones are refused for the right reason.

`fixtures/<Event>/v1-*.json` are canonical bytes, as we write them; `v1-foreign-*.json` are as other producers may;
`fixtures/<Event>/rejected/<reason>/*.json` are whole records, not all of them JSON, by the reason they are refused for.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schemas import Codec, Rejected, encode
from schemas.generate import json_schema
from schemas.topics import DAY_CLOSES, TOPICS
from schemas.triggers import DayTrigger

FIXTURES = Path(__file__).parent / "fixtures"
EVENTS = {event.__name__: event for topic in TOPICS for event in topic.events}
CODECS: dict[str, Codec[Any]] = {
    name: Codec(DayTrigger if event in DAY_CLOSES.events else event) for name, event in EVENTS.items()
}
VALIDATORS = {name: jsonschema.Draft202012Validator(json_schema(event)) for name, event in EVENTS.items()}

SEMANTIC = {
    "naive-time", "naive-close", "naive-known-at", "naive-timestamp", "date-as-time", "date-with-time", "no-such-date",
    "year-0", "year-24", "year-2262", "first-instant-east-of-greenwich", "last-instant-west-of-greenwich",
    "date-only-at-midnight", "out-of-range-in-metadata", "dim-is-not-length", "part-of-a-number", "not-base64",
    "value-not-base64", "same-label", "regimes-without-fingerprint",
}  # fmt: skip
"""Refused for what a string means or how fields agree, which JSON Schema without format assertions cannot say."""


def files(pattern: str) -> list[Any]:
    """The fixtures that match, as parameters named by their path."""
    return [pytest.param(path, id=str(path.relative_to(FIXTURES))) for path in sorted(FIXTURES.glob(pattern))]


def event_name(path: Path) -> str:
    return path.relative_to(FIXTURES).parts[0]


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_has_a_minimal_and_a_full_fixture_and_rejected_ones(name: str) -> None:
    assert {"v1-minimal.json", "v1-full.json"} <= {path.name for path in (FIXTURES / name).glob("v1-*.json")}
    assert list((FIXTURES / name).glob("rejected/unknown-version/*.json"))


@pytest.mark.parametrize("path", files("*/v1-*.json"))
def test_a_fixture_decodes_to_its_event(path: Path) -> None:
    event = CODECS[event_name(path)].decode(path.read_bytes())
    assert type(event) is EVENTS[event_name(path)]


@pytest.mark.parametrize("path", files("*/v1-*.json"))
def test_a_fixture_encodes_to_stable_bytes_that_say_their_version(path: Path) -> None:
    codec, record = CODECS[event_name(path)], path.read_bytes().removesuffix(b"\n")
    event = codec.decode(record)
    encoded = encode(event)
    assert json.loads(encoded)["schema_version"] == 1
    assert codec.decode(encoded) == event
    if not path.name.startswith("v1-foreign-"):
        assert encoded == record


@pytest.mark.parametrize("path", files("*/v1-*.json"))
def test_a_fixture_and_its_canonical_form_are_valid_under_the_json_schema(path: Path) -> None:
    name, record = event_name(path), path.read_bytes()
    VALIDATORS[name].validate(json.loads(record))
    VALIDATORS[name].validate(json.loads(encode(CODECS[name].decode(record))))


@pytest.mark.parametrize("path", files("*/rejected/*/*.json"))
def test_a_rejected_fixture_gives_its_reason(path: Path) -> None:
    rejected = CODECS[event_name(path)].decode(path.read_bytes().removesuffix(b"\n"))
    assert isinstance(rejected, Rejected)
    assert rejected.reason == path.parent.name
    assert rejected.error


@pytest.mark.parametrize("path", files("*/rejected/invalid/*.json") + files("*/rejected/unknown-version/*.json"))
def test_the_json_schema_refuses_what_the_codec_refuses_where_it_can_say_it(path: Path) -> None:
    valid = VALIDATORS[event_name(path)].is_valid(json.loads(path.read_bytes()))
    assert valid == (path.stem in SEMANTIC)
