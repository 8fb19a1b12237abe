"""Puts a dump back: the database as it was, and the log with its offsets, timestamps and committed offsets."""

import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream_app.embedded.postgres import binary
from tests.integration.upgrade.dump import BYTES, Broker, Dump

OWN_TIMESTAMPS = {"message.timestamp.type": "CreateTime"}
"""While records are put back; with LogAppendTime the broker would give them today's."""
RECORD_MAX_BYTES = 5 * 1024 * 1024


def restore_database(dump: Dump, database_url: str) -> None:
    """Fill an empty database."""
    command = [str(binary("psql")), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={database_url}"]
    subprocess.run(command, input=dump.database(), stdout=subprocess.DEVNULL, check=True)


@asynccontextmanager
async def restored_log(dump: Dump, kafka_url: str) -> AsyncIterator[None]:
    """The release's topics under its own prefix, removed at the end."""
    broker = dump.broker()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        await _create_topics(admin, dump.topic_prefix, broker)
        await _put_records_back(dump, kafka_url)
        await _give_configs(admin, dump.topic_prefix, broker.configs)
        await _commit(dump.topic_prefix, broker, kafka_url)
        yield
    finally:
        await admin.delete_topics([dump.topic_prefix + name for name in broker.configs])
        await admin.close()


async def _create_topics(admin: AIOKafkaAdminClient, prefix: str, broker: Broker) -> None:
    topics = [
        NewTopic(prefix + name, broker.partitions, 1, topic_configs=configs | OWN_TIMESTAMPS)
        for name, configs in broker.configs.items()
    ]
    response = await admin.create_topics(topics)
    assert not any(code for _, code, _ in response.topic_errors), response.topic_errors


async def _put_records_back(dump: Dump, kafka_url: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_url, enable_idempotence=True, acks="all", max_request_size=RECORD_MAX_BYTES
    )
    await producer.start()
    try:
        for record in dump.log():
            sent = await producer.send_and_wait(
                dump.topic_prefix + record.topic,
                record.value_bytes,
                record.key_bytes,
                record.partition,
                record.timestamp,
                [(name, value.encode(BYTES)) for name, value in record.headers],
            )
            assert sent.offset == record.offset, f"{sent} is not where the release had it, at {record.offset}"
    finally:
        await producer.stop()


async def _give_configs(admin: AIOKafkaAdminClient, prefix: str, configs: Mapping[str, dict[str, str]]) -> None:
    """What the topics had; records keep the timestamps that they have."""
    responses = await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, prefix + name, of_topic) for name, of_topic in configs.items()]
    )
    codes = [resource[0] for response in responses for resource in response.resources]
    assert codes == [0] * len(configs), responses


async def _commit(prefix: str, broker: Broker, kafka_url: str) -> None:
    for stage, (topic, offsets) in broker.committed.items():
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, group_id=prefix + stage, enable_auto_commit=False)
        await consumer.start()
        try:
            at = {TopicPartition(prefix + topic, partition): offset for partition, offset in offsets.items()}
            consumer.assign(list(at))
            await consumer.commit(at)
        finally:
            await consumer.stop()
