"""A login or a certificate that is refused ends what was begun; a broker that hangs up or is away is waited for."""

import logging
import ssl
from collections.abc import Iterator

import pytest
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    NodeNotReadyError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from stream_app.errors import Away, Fatal
from stream_app.kafka.outage import kafka_errors, quiet_clients
from stream_app.kafka.refusals import refusal
from stream_app.outage import KAFKA

FIRST_CONNECTION = 'Unable connect to "%s:%s": %s'
LATER_CONNECTION = "Unable connect to node with id %s: %s"
WRONG_PASSWORD = SaslAuthenticationFailed("Authentication failed.")
REFUSED = (
    "Kafka refuses the login (Authentication failed); see kafka_username and kafka_password (or kafka_password_file)"
)


@pytest.fixture(autouse=True)
def _kafka_answers() -> Iterator[None]:
    """Before the test and after it."""
    quiet_clients()
    KAFKA.answered()
    yield
    KAFKA.answered()


def fail_to_connect(cause: Exception) -> None:
    """As aiokafka does: why stands in its log alone."""
    logging.getLogger("aiokafka").error(FIRST_CONNECTION, "h", 9093, cause)
    raise KafkaConnectionError("Unable to bootstrap from [('h', 9093, 0)]")


def test_a_refused_login_ends_what_was_begun_with_what_to_do() -> None:
    with pytest.raises(Fatal) as ended, kafka_errors("preparing the topics"):
        fail_to_connect(WRONG_PASSWORD)
    assert str(ended.value) == f"{REFUSED}."


def test_a_broker_that_is_away_is_waited_for() -> None:
    with pytest.raises(Away, match="Unable to bootstrap"), kafka_errors("preparing the topics"):
        fail_to_connect(ConnectionRefusedError(111, "Connect call failed"))


def test_what_was_refused_before_says_nothing_of_what_fails_now() -> None:
    logging.getLogger("aiokafka").error(FIRST_CONNECTION, "h", 9093, WRONG_PASSWORD)
    with pytest.raises(Away), kafka_errors("preparing the topics"):
        raise KafkaConnectionError("Unable to bootstrap from [('h', 9093, 0)]")


def test_a_client_that_was_connected_waits_while_its_login_is_refused_and_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KAFKA, "_grace_seconds", 0.0)
    with pytest.raises(Away), kafka_errors("committing offsets"):
        logging.getLogger("aiokafka").error(LATER_CONNECTION, 1, WRONG_PASSWORD)
        raise NodeNotReadyError
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == [f"Kafka does not answer, trying again until it does: {REFUSED}"]


def test_a_broker_that_hangs_up_at_once_may_want_another_protocol() -> None:
    with pytest.raises(Away) as away, kafka_errors("preparing the topics"):
        fail_to_connect(KafkaConnectionError("Connection at h:9093 closed"))
    assert str(away.value).endswith("as it does to a client of another kafka_security_protocol.")
    with pytest.raises(Away) as away, kafka_errors("preparing the topics"):
        logging.getLogger("aiokafka").error(LATER_CONNECTION, 1, KafkaConnectionError("Connection at h:9093 closed"))
        raise KafkaConnectionError("Connection at h:9093 closed")
    assert "kafka_security_protocol" not in str(away.value)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UnsupportedSaslMechanismError(), "Kafka does not take a login of this kind; see kafka_sasl_mechanism"),
        (IllegalSaslStateError(), "Kafka takes no login on this listener; see kafka_security_protocol"),
        (ssl.SSLEOFError(8, "EOF"), None),
        (ConnectionResetError(), None),
    ],
)
def test_what_is_refused_names_the_setting(error: Exception, told: str | None) -> None:
    assert refusal(error) == told
    caused = KafkaConnectionError("Connection at h:9093 closed")
    caused.__cause__ = error
    assert refusal(caused) == told
