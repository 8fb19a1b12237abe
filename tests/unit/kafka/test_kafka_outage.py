"""What the client library raises, told apart: an outage, a refusal for good, and what is neither."""

from collections.abc import Iterator

import pytest
from aiokafka.errors import CommitFailedError, KafkaConnectionError, TopicAuthorizationFailedError

from stream_app.errors import Away, Fatal
from stream_app.kafka.outage import kafka_errors
from stream_app.outage import KAFKA


@pytest.fixture(autouse=True)
def here() -> Iterator[None]:
    """Kafka is not away before and after the test."""
    KAFKA.answered()
    yield
    KAFKA.answered()


@pytest.mark.parametrize(
    ("raised", "told", "away"),
    [
        (KafkaConnectionError("gone"), Away, True),
        (TimeoutError(), Away, True),
        (TopicAuthorizationFailedError("t"), Fatal, False),
        (CommitFailedError("the group is being rebalanced"), CommitFailedError, False),
        (ZeroDivisionError("a bug"), ZeroDivisionError, False),
    ],
)
def test_only_a_broker_that_does_not_answer_is_away(raised: Exception, told: type[Exception], away: bool) -> None:
    with pytest.raises(told), kafka_errors("committing offsets"):
        raise raised
    assert KAFKA.away is away


def test_what_succeeds_ends_an_outage() -> None:
    with pytest.raises(Away), kafka_errors("publishing"):
        raise KafkaConnectionError("gone")
    with kafka_errors("publishing"):
        pass
    assert not KAFKA.away
