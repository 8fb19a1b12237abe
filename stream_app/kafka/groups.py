"""Consumer groups from outside: who is in one, what it has committed, and committing for one that nobody is in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.clients import new_consumer
from stream_app.kafka.closing import close_consumer
from stream_app.kafka.outage import kafka_errors
from stream_app.kafka.topics import administrating


def group_id(topic_prefix: str, stage: str) -> str:
    """The consumer group of a stage."""
    return f"{topic_prefix}{stage}"


@dataclass(frozen=True, slots=True)
class Group:
    """How many members a group has now, and its committed offsets of one topic by partition."""

    members: int
    committed: Mapping[int, int]


async def look_at(kafka: KafkaAccess, group_id: str, topic: str) -> Group:
    """The group as it is now; one that never was has neither members nor offsets."""
    with kafka_errors(f"looking at the group {group_id}"):
        async with administrating(kafka) as admin:
            members = (await described(admin, group_id))["members"]
            try:
                offsets = await admin.list_consumer_group_offsets(group_id)
            except GroupCoordinatorNotAvailableError:
                offsets = {}
    committed = {tp.partition: at.offset for tp, at in offsets.items() if tp.topic == topic and at.offset >= 0}
    return Group(len(members), committed)


async def members(kafka: KafkaAccess, group_ids: Sequence[str]) -> dict[str, int]:
    """How many members these groups have now."""
    with kafka_errors("looking at the groups"):
        async with administrating(kafka) as admin:
            return {group_id: len((await described(admin, group_id))["members"]) for group_id in group_ids}


async def described(admin: AIOKafkaAdminClient, group_id: str) -> dict[str, Any]:
    """A group as Kafka describes it. One at a time: aiokafka misreads an answer about several."""
    try:
        (response,) = await admin.describe_consumer_groups([group_id])
    except GroupCoordinatorNotAvailableError:  # a new broker, which has never had a group
        return {"members": [], "state": ""}
    group: dict[str, Any] = response.to_object()["groups"][0]
    return group


async def commit(kafka: KafkaAccess, group_id: str, topic: str, offsets: Mapping[int, int]) -> None:
    """Commit offsets for a group without members; Kafka refuses it for one that has some."""
    consumer = new_consumer(kafka, group_id=group_id, enable_auto_commit=False)
    with kafka_errors(f"committing for the group {group_id}"):
        try:
            await consumer.start()
            at = {TopicPartition(topic, partition): offset for partition, offset in offsets.items()}
            consumer.assign(list(at))
            await consumer.commit({tp: OffsetAndMetadata(offset, "") for tp, offset in at.items()})
        finally:
            await close_consumer(consumer)
