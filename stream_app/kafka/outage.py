"""How the process learns that the broker is away: from what is asked of it, and from the client library's complaints.

aiokafka alone writes some 80 lines a second about an unreachable broker, so its whole logger tree is led here.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    CommitFailedError,
    GroupAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedVersionError,
)

from stream_app.errors import Away, Fatal
from stream_app.outage import KAFKA

FRAMEWORK = logging.getLogger("faust")
"""Where our subclasses of Faust's services log what the framework says of itself."""
ORDINARY = ("rebalanc", "Revoking", "Setting newly assigned", "out of range")
"""Words of aiokafka's warnings that tell of no outage: a rebalance, or what is raised as an error anyhow."""
NOT_MENDED_BY_WAITING = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedVersionError,
)


class ClientComplaints(logging.Handler):
    """Takes up the client library's complaints."""

    def emit(self, record: logging.LogRecord) -> None:
        """Take up one of them, unless it tells of no outage."""
        message = record.getMessage()
        if not any(word in message for word in ORDINARY):
            KAFKA.complain(message)


_COMPLAINTS = ClientComplaints(logging.WARNING)


def quiet_clients() -> None:
    """Lead aiokafka's log into KAFKA, and keep Faust's and mode's to warnings. Calling it again changes nothing."""
    aiokafka = logging.getLogger("aiokafka")
    aiokafka.propagate = False
    if _COMPLAINTS not in aiokafka.handlers:
        aiokafka.addHandler(_COMPLAINTS)
    for name in ("faust", "mode"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # it warns of each commit that takes longer than the interval, as all do while the broker is away
    logging.getLogger("mode.timers").setLevel(logging.ERROR)


@contextmanager
def kafka_errors(doing: str) -> Iterator[None]:
    """Raise what goes wrong inside as Away (the broker does not answer) or Fatal (waiting mends nothing).

    A commit that came too late for its group stays a CommitFailedError.

    `doing` completes the sentence "Kafka: … failed".
    """
    try:
        yield
    except NOT_MENDED_BY_WAITING as error:
        raise Fatal(f"Kafka: {doing} failed for good: {error}.") from error
    except CommitFailedError:
        raise  # a rebalance has taken the partitions, which is no outage; who commits knows what that means
    except (KafkaError, OSError, TimeoutError) as error:
        reason = f"{doing}: {error!r}"
        KAFKA.complain(reason)
        raise Away(f"Kafka: {doing} failed: {error!r}.", service=KAFKA.service, reason=reason) from error
    else:
        KAFKA.answered()
