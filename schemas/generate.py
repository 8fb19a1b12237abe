"""Writes what other languages read: a JSON Schema for each event and one AsyncAPI 3 document for all the topics.

    python -m schemas.generate

Run it after any change in this package; a test compares the files with what it would write.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from schemas.asyncapi import document
from schemas.contexts import JointRegimeContext
from schemas.news import NewsArticle
from schemas.prices import PriceClose
from schemas.topics import TOPICS

PACKAGE = Path(__file__).parent
DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string"}
NOT_EMPTY = {"type": "string", "minLength": 1}

JsonObject = dict[str, Any]


def json_schema(event: type[msgspec.Struct]) -> JsonObject:
    """The event's JSON Schema, draft 2020-12: its types and bounds, and the rules between its fields."""
    _, components = msgspec.json.schema_components([event])
    own = components.pop(event.__name__)
    schema: JsonObject = {"$schema": DRAFT, "$id": f"urn:stream-app:{event.__name__}:v1"} | own | _rules(event)
    return schema | {"$defs": components} if components else schema


def files() -> dict[Path, str]:
    """Every generated file's path and text."""
    events = dict.fromkeys(event for topic in TOPICS for event in topic.events)
    documents = {PACKAGE / "json" / f"{event.__name__}.v1.schema.json": json_schema(event) for event in events}
    documents[PACKAGE / "asyncapi.json"] = document()
    return {
        path: json.dumps(_tidy(content), indent=2, ensure_ascii=False) + "\n" for path, content in documents.items()
    }


def _rules(event: type[msgspec.Struct]) -> JsonObject:
    """The rules of the struct's __post_init__ that JSON Schema can say."""
    if event is PriceClose:
        number = {"type": "number"}
        return _unless_retracted({"required": ["close", "volume"], "properties": {"close": number, "volume": number}})
    if event is NewsArticle:
        text = [{"required": [name], "properties": {name: NOT_EMPTY}} for name in ("headline", "body")]
        both: JsonObject = {"required": ["headline", "body"], "properties": {"headline": TEXT, "body": TEXT}}
        published = {"required": ["published_at"], "properties": {"published_at": TEXT}}
        return _unless_retracted(published | {"anyOf": [*text, both]})
    if event is JointRegimeContext:
        null = {"type": "null"}
        one_null = [{"properties": {name: null}} for name in ("vector", "absent_reason")]
        return {"oneOf": one_null}
    return {}


def _unless_retracted(otherwise: JsonObject) -> JsonObject:
    retracted = {"required": ["retracted"], "properties": {"retracted": {"const": True}}}
    return {"if": retracted, "else": otherwise}


def _tidy(node: Any) -> Any:
    """The document with each description's lines joined: docstrings are wrapped for Python's readers."""
    if isinstance(node, dict):
        return {key: " ".join(v.split()) if _is_prose(key, v) else _tidy(v) for key, v in node.items()}
    return [_tidy(item) for item in node] if isinstance(node, list) else node


def _is_prose(key: str, value: Any) -> bool:
    return key in ("description", "summary") and isinstance(value, str)


def main() -> None:
    """Write every file."""
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
