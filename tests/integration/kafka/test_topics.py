"""Topics on the real broker."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.topics import TOPICS
from stream_app.errors import Fatal, Retriable
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.topics import ensure_topics


async def make(kafka: KafkaAccess, name: str, partitions: int, configs: dict[str, str]) -> None:
    """Make a topic as somebody else would."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
    await admin.close()


async def configs_of(kafka: KafkaAccess, name: str) -> dict[str, str]:
    """A topic's configs as the broker has them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    await admin.close()
    return {entry[0]: entry[1] for entry in response.resources[0][4]}


async def test_missing_topics_are_created_with_their_configs(kafka: KafkaAccess, topic_prefix: str) -> None:
    counts = await ensure_topics(kafka, topic_prefix, 3, 1)
    assert counts == {topic_prefix + topic.name: 3 for topic in TOPICS}
    for topic in TOPICS:
        found = await configs_of(kafka, topic_prefix + topic.name)
        assert {config: found[config] for config in topic.configs} == topic.configs
    assert await ensure_topics(kafka, topic_prefix, 8, 1) == counts


async def test_the_partition_count_of_an_existing_topic_is_adopted(kafka: KafkaAccess, topic_prefix: str) -> None:
    (prices, *_others) = TOPICS
    await make(kafka, topic_prefix + prices.name, 5, prices.configs)
    counts = await ensure_topics(kafka, topic_prefix, 3, 1)
    assert counts[topic_prefix + prices.name] == 5
    assert set(counts.values()) == {3, 5}


@pytest.mark.parametrize(
    ("config", "value", "needed"),
    [
        ("message.timestamp.type", "CreateTime", "LogAppendTime"),
        ("retention.ms", "604800000", "-1"),
        ("cleanup.policy", "compact", "delete"),
        ("max.message.bytes", "1048588", "2097152"),
    ],
)
async def test_a_topic_that_could_lose_data_is_refused_with_the_command_that_mends_it(
    kafka: KafkaAccess, topic_prefix: str, config: str, value: str, needed: str
) -> None:
    (prices, *_others) = TOPICS
    name = topic_prefix + prices.name
    await make(kafka, name, 1, prices.configs | {config: value})
    with pytest.raises(Fatal) as raised:
        await ensure_topics(kafka, topic_prefix, 3, 1)
    assert f"Topic {name} has {config}={value} where {needed} is needed" in str(raised.value)
    assert (
        f"kafka-configs.sh --bootstrap-server {kafka.servers} --alter --entity-type topics --entity-name {name} "
        f"--add-config {config}={needed}"
    ) in str(raised.value)


async def test_a_topic_that_takes_larger_records_than_needed_is_fine(kafka: KafkaAccess, topic_prefix: str) -> None:
    (prices, *_others) = TOPICS
    await make(kafka, topic_prefix + prices.name, 1, prices.configs | {"max.message.bytes": "5000000"})
    await ensure_topics(kafka, topic_prefix, 1, 1)


async def test_a_broker_that_is_away_is_retriable(unused_tcp_port: int) -> None:
    with pytest.raises(Retriable):
        await ensure_topics(KafkaAccess(f"127.0.0.1:{unused_tcp_port}"), "any.", 1, 1)
