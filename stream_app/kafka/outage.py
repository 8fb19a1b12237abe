"""How the process learns that the broker is away: from what is asked of it, and from the client library's complaints.

aiokafka alone writes some 80 lines a second about an unreachable broker, so its whole logger tree is led here.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    InvalidTopicError,
    InvalidTransactionTimeout,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)

from stream_app.errors import Away, Fatal
from stream_app.kafka.refusals import doubt, refusal
from stream_app.outage import KAFKA

FRAMEWORK = logging.getLogger("faust")
"""Where our subclasses of Faust's services log what the framework says of itself."""
ORDINARY = (
    "rebalanc",
    "Revoking",
    "Setting newly assigned",
    "out of range",
    "password in the clear",
    "Unexpected error in sender routine",
)
"""Words of aiokafka's warnings that tell of no outage: a rebalance, what is raised as an error anyhow, and what the
settings chose."""
OF_FIRST_CONNECTION = ('Unable connect to "%s:%s": %s', 'Unable to request metadata from "%s:%s": %s')
"""What aiokafka says of a client's first connection, which came to nothing."""
NOT_MENDED_BY_WAITING = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    InvalidTopicError,
    InvalidTransactionTimeout,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a connection was not made: refused for good, or something to look at, or neither."""

    refused: str | None
    doubt: str | None


UNKNOWN = Cause(None, None)


class ClientComplaints(logging.Handler):
    """Takes up the client library's complaints.

    Why a connection was not made stands there alone: what the library raises of it names just the servers.
    """

    cause = UNKNOWN

    def emit(self, record: logging.LogRecord) -> None:
        """Take up one of them, unless it tells of no outage."""
        message = record.getMessage()
        if any(word in message for word in ORDINARY):
            return
        error = next((arg for arg in record.args or () if isinstance(arg, BaseException)), None)
        refused = refusal(error)
        if error is not None and (refused or record.msg in OF_FIRST_CONNECTION):
            self.cause = Cause(refused, doubt(error))
        KAFKA.complain(refused or message)


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
    before = _COMPLAINTS.cause
    try:
        yield
    except NOT_MENDED_BY_WAITING as error:
        raise Fatal(f"{refusal(error) or f'Kafka: {doing} failed for good: {error}'}.") from error
    except CommitFailedError:
        raise  # a rebalance has taken the partitions, which is no outage; who commits knows what that means
    except (KafkaError, OSError, TimeoutError) as error:
        told = isinstance(error, KafkaConnectionError) and _COMPLAINTS.cause is not before
        cause = _COMPLAINTS.cause if told else UNKNOWN
        if cause.refused:
            raise Fatal(f"{cause.refused}.") from error
        why = cause.doubt or repr(error)
        reason = f"{doing}: {why}"
        KAFKA.complain(reason)
        raise Away(f"Kafka: {doing} failed: {why}.", service=KAFKA.service, reason=reason) from error
    else:
        KAFKA.answered()
