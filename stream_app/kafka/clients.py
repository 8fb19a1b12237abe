"""The one place that makes Kafka clients: with the login and the TLS that the access has, and their log led away."""

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.outage import quiet_clients
from stream_app.kafka.unpacking import bound_unpacking


def new_producer(kafka: KafkaAccess, **options: Any) -> AIOKafkaProducer:
    """A producer that is not started yet."""
    quiet_clients()
    return AIOKafkaProducer(**kafka.arguments(), **options)


def new_consumer(kafka: KafkaAccess, *topics: str, **options: Any) -> AIOKafkaConsumer:
    """A consumer that is not started yet. Where a batch unpacks to too much it raises UnpacksTooLarge."""
    quiet_clients()
    bound_unpacking()
    return AIOKafkaConsumer(*topics, **kafka.arguments(), **options)


def new_admin(kafka: KafkaAccess, **options: Any) -> AIOKafkaAdminClient:
    """An administrator that is not started yet."""
    quiet_clients()
    return AIOKafkaAdminClient(**kafka.arguments(), **options)
