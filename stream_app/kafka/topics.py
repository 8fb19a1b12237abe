"""The topics on the broker: created with explicit configs, and checked where they already exist (DESIGN.md 8.7)."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from schemas.topics import TOPICS, Topic
from stream_app.errors import Fatal
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.clients import new_admin
from stream_app.kafka.outage import kafka_errors

REQUEST_TIMEOUT_SECONDS = 15.0
LEADERS_WAIT_SECONDS = 15.0
LEADERS_POLL_SECONDS = 0.1
AT_LEAST = frozenset({"max.message.bytes"})
"""Configs of which more than what is needed is as good."""


async def ensure_topics(kafka: KafkaAccess, prefix: str, partitions: int, replication: int) -> dict[str, int]:
    """Create the product's missing topics, check the others, and return each one's partition count by wire name.

    An existing topic's partition count is adopted. Raises Fatal when an existing topic has a config that loses or
    reorders data, with the command that mends it; Retriable when the broker is away.
    """
    wanted = {prefix + topic.name: topic for topic in TOPICS}
    with kafka_errors("preparing the topics"):
        async with administrating(kafka) as admin:
            missing = wanted.keys() - (await _partition_counts(admin, wanted)).keys()
            await _create(admin, [_new(name, wanted[name], partitions, replication) for name in sorted(missing)])
            counts = await _counts_with_leaders(admin, wanted)
            found = await _configs(admin, sorted(wanted))
    _refuse(kafka, wanted, found)
    return counts


async def missing_topics(kafka: KafkaAccess, prefix: str) -> list[str]:
    """The product's topics that the broker lacks, by wire name. Nothing is created. Raises as `ensure_topics`."""
    with kafka_errors("looking for the topics"):
        async with administrating(kafka) as admin:
            known = {topic["topic"] for topic in await admin.describe_topics()}
    return sorted({prefix + topic.name for topic in TOPICS} - known)


async def check_topics(kafka: KafkaAccess, prefix: str) -> None:
    """Raise Fatal when a topic is gone, or has a config that loses or reorders data, with the command that mends it.

    Nothing is created. Raises Retriable when the broker is away.
    """
    wanted = {prefix + topic.name: topic for topic in TOPICS}
    with kafka_errors("checking the topics"):
        async with administrating(kafka) as admin:
            gone = wanted.keys() - {topic["topic"] for topic in await admin.describe_topics()}
            found = await _configs(admin, sorted(wanted.keys() - gone))
    if gone:
        raise Fatal(
            f"{' and '.join(sorted(gone))} was deleted while a worker ran. Start the worker again: it makes it anew, "
            "and says what is to be done if records of it were applied."
        )
    _refuse(kafka, wanted, found)


def _refuse(kafka: KafkaAccess, wanted: Mapping[str, Topic], found: Mapping[str, Mapping[str, str]]) -> None:
    complaints = [line for name in sorted(wanted) if (line := _complaint(kafka, name, wanted[name], found[name]))]
    if complaints:
        raise Fatal(" ".join(complaints))


@asynccontextmanager
async def administrating(kafka: KafkaAccess) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected administrator of the broker."""
    admin = new_admin(kafka, request_timeout_ms=int(REQUEST_TIMEOUT_SECONDS * 1000))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def _new(name: str, topic: Topic, partitions: int, replication: int) -> NewTopic:
    return NewTopic(name, partitions, replication, topic_configs=dict(topic.configs))


async def _create(admin: AIOKafkaAdminClient, topics: list[NewTopic]) -> None:
    if not topics:
        return
    response = await admin.create_topics(topics)
    for name, code, message in response.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):
            raise error(f"{name}: {message}")


async def _partition_counts(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    """Partition counts of those topics that exist with a leader everywhere.

    All topics are asked for: naming one makes a broker with auto.create.topics.enable create it.
    """
    by_name = {topic["topic"]: topic for topic in await admin.describe_topics()}
    return {name: len(by_name[name]["partitions"]) for name in names if name in by_name and _has_leaders(by_name[name])}


def _has_leaders(topic: Mapping[str, Any]) -> bool:
    return bool(topic["partitions"]) and all(partition["leader"] >= 0 for partition in topic["partitions"])


async def _counts_with_leaders(admin: AIOKafkaAdminClient, names: Mapping[str, Topic]) -> dict[str, int]:
    """Wait until every topic can be written to; a broker answers a creation before that."""
    async with asyncio.timeout(LEADERS_WAIT_SECONDS):
        while True:
            counts = await _partition_counts(admin, names)
            if len(counts) == len(names):
                return counts
            await asyncio.sleep(LEADERS_POLL_SECONDS)


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    found: dict[str, dict[str, str]] = {}
    for response in responses:
        for code, message, _kind, name, entries in response.resources:
            if code:
                raise for_code(code)(f"configs of {name}: {message}")
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


def _complaint(kafka: KafkaAccess, name: str, topic: Topic, found: Mapping[str, str]) -> str | None:
    """What is wrong with the topic and the command that mends it, or None."""
    wrong = [config for config, needed in topic.configs.items() if not _serves(config, found.get(config), needed)]
    if not wrong:
        return None
    facts = ", ".join(f"{config}={found.get(config)} where {topic.configs[config]} is needed" for config in wrong)
    mended = ",".join(f"{config}={topic.configs[config]}" for config in wrong)
    secured = "" if kafka.protocol == "PLAINTEXT" else " --command-config FILE-WITH-YOUR-LOGIN"
    return (
        f"Topic {name} has {facts}; mend it with: kafka-configs.sh --bootstrap-server {kafka.servers}{secured} --alter "
        f"--entity-type topics --entity-name {name} --add-config {mended}"
    )


def _serves(config: str, found: str | None, needed: str) -> bool:
    if config in AT_LEAST:
        return found is not None and int(found) >= int(needed)
    return found == needed
