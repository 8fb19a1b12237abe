"""What happens to topics: recreated, cut off at their start, given more partitions or another config."""

from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import TopicPartition

from schemas.topics import Topic
from stream_app.kafka.topics import administrating, ensure_topics
from tests.integration.pipeline import Pipeline, until


async def delete(path: Pipeline, name: str) -> None:
    """Delete a topic, named without its prefix."""
    topic = path.services.topic(name)
    async with administrating(path.endpoints.kafka) as admin:
        await admin.delete_topics([topic])

        async def is_gone() -> bool:
            return topic not in await admin.list_topics()

        await until(is_gone, f"{topic} is gone")


async def recreate(path: Pipeline, name: str, partitions: int | None = None) -> None:
    """Delete a topic, and make an empty one of that name."""
    await delete(path, name)
    count = partitions or path.settings.topic_partitions
    await ensure_topics(path.endpoints.kafka, path.settings.topic_prefix, count, 1)


async def lose(path: Pipeline, name: str, partition: int, below: int) -> None:
    """Delete a partition's records below an offset, as an expired retention does."""
    at = TopicPartition(path.services.topic(name), partition)
    async with administrating(path.endpoints.kafka) as admin:
        await admin.delete_records({at: RecordsToDelete(before_offset=below)})
    assert (await path.services.log.start_offsets(at.topic))[partition] == below


async def add_partitions(path: Pipeline, name: str, total: int) -> None:
    """Give a topic more partitions."""
    topic = path.services.topic(name)
    async with administrating(path.endpoints.kafka) as admin:
        await admin.create_partitions({topic: NewPartitions(total)})

    async def are_there() -> bool:
        return len(await path.services.log.end_offsets(topic)) == total

    await until(are_there, f"{topic} has {total} partitions")


async def configure(path: Pipeline, topic: Topic, config: str, value: str) -> None:
    """Give a topic another config beside those that it has."""
    given = topic.configs | {config: value}
    resource = ConfigResource(ConfigResourceType.TOPIC, path.services.topic(topic.name), given)
    async with administrating(path.endpoints.kafka) as admin:
        await admin.alter_configs([resource])
