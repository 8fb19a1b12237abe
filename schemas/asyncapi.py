"""The AsyncAPI 3 document, from the application's point of view: what it sends and receives on which topic."""

from typing import Any

import msgspec

from schemas.topics import CONSUMERS, DEFAULT_PARTITIONS, PRODUCERS, TOPICS, Topic

JsonObject = dict[str, Any]

KAFKA_BINDING = "0.5.0"
NUMBERS = ("retention.ms", "retention.bytes", "max.message.bytes")
OVERVIEW = """Prices and news in, one joint regime context a region a day out.

Every value is one JSON object in UTF-8 with a `schema_version`; fields that a reader does not know are to be ignored.
A vector travels as `{"dim": 384, "dtype": "float32", "data": …}`, `data` being base64 (RFC 4648, padded) of dim
little-endian IEEE 754 float32 numbers, 4 * dim bytes. Delivery is at least once: the copies of an event are byte for
byte the same and share `event_id`. Read with isolation.level = read_committed. Where the setting `topic_prefix` is not
empty, it stands before every address.
"""


def document() -> JsonObject:
    """The AsyncAPI 3.0 document of all topics; payloads refer to the JSON Schema files beside it."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "stream-app", "version": "1.0.0", "description": OVERVIEW},
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: operation for topic in TOPICS for name, operation in _operations(topic).items()},
    }


def _server() -> JsonObject:
    bootstrap = {"default": "127.0.0.1:9092", "description": "The setting kafka_url, a broker's host:port"}
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "Your Kafka cluster, or the embedded broker, whose port `stream-app up` says.",
        "variables": {"bootstrap": bootstrap},
    }


def _channel(topic: Topic) -> JsonObject:
    return {
        "address": topic.name,
        "title": topic.name,
        "summary": topic.summary,
        "description": f"Keyed by {topic.key}. Written by {', '.join(topic.writers)}; "
        f"read by {', '.join(topic.readers)}. The partition count is the setting topic_partitions, or an existing "
        "topic's own.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {event.__name__: _message(topic, event) for event in topic.events},
        "bindings": {"kafka": _channel_binding(topic)},
    }


def _channel_binding(topic: Topic) -> JsonObject:
    configs: JsonObject = {name: int(v) if name in NUMBERS else v for name, v in topic.configs.items()}
    configs["cleanup.policy"] = topic.configs["cleanup.policy"].split(",")
    return {
        "topic": topic.name,
        "partitions": DEFAULT_PARTITIONS,
        "topicConfiguration": configs,
        "bindingVersion": KAFKA_BINDING,
    }


def _message(topic: Topic, event: type[msgspec.Struct]) -> JsonObject:
    return {
        "name": event.__name__,
        "title": f"{event.__name__}, version 1",
        "summary": (event.__doc__ or "").split("\n", maxsplit=1)[0],
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./json/{event.__name__}.v1.schema.json"},
        },
        "bindings": {"kafka": {"key": _key(topic, event), "bindingVersion": KAFKA_BINDING}},
    }


def _key(topic: Topic, event: type[msgspec.Struct]) -> JsonObject:
    """The key's schema: the field's own where the key is one, else a pattern of the parts; always a string in UTF-8."""
    parts = topic.key.split(",", maxsplit=1)[0].split("|")
    if len(parts) > 1:
        return {"type": "string", "description": topic.key, "pattern": "^" + r"\|".join(["[^|]+"] * len(parts)) + "$"}
    fields = {field.name: field.type for field in msgspec.structs.fields(event)}
    return msgspec.json.schema(fields[parts[0]]) | {"description": f"The event's {parts[0]}, in UTF-8"}


def _operations(topic: Topic) -> JsonObject:
    parts = {"send": topic.writers, "receive": topic.readers}
    operations = {}
    for action, names in parts.items():
        own = [name for name in names if name not in (PRODUCERS, CONSUMERS)]
        if own:
            title = "".join(word.capitalize() for word in topic.name.replace("-", ".").split("."))
            operations[f"{action}{title}"] = _operation(topic, action, own)
    return operations


def _operation(topic: Topic, action: str, parts: list[str]) -> JsonObject:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"By {', '.join(parts)}.",
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{event.__name__}"} for event in topic.events],
    }
