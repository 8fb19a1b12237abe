"""Topics for the tests of the Kafka package."""

import pytest

from stream_app.embedded import Endpoints
from stream_app.kafka.topics import ensure_topics


@pytest.fixture
def kafka_url(endpoints: Endpoints) -> str:
    """Where the broker is."""
    return endpoints.kafka_url


@pytest.fixture
async def topic(kafka_url: str, topic_prefix: str) -> str:
    """An input topic of four partitions, of the test's own."""
    await ensure_topics(kafka_url, topic_prefix, 4, 1)
    return f"{topic_prefix}prices.closes"
