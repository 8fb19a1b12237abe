"""Topics for the tests of the Kafka package."""

import pytest

from stream_app.embedded import Endpoints
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.topics import ensure_topics


@pytest.fixture
def kafka(endpoints: Endpoints) -> KafkaAccess:
    """How the broker is reached."""
    return endpoints.kafka


@pytest.fixture
async def topic(kafka: KafkaAccess, topic_prefix: str) -> str:
    """An input topic of four partitions, of the test's own."""
    await ensure_topics(kafka, topic_prefix, 4, 1)
    return f"{topic_prefix}prices.closes"
