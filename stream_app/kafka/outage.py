"""What the log says while the broker is away: one line when it goes, a reminder each 10 s, one line when it answers.

aiokafka alone writes some 80 lines a second about an unreachable broker, so its whole logger tree is led here.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedVersionError,
)

from stream_app.errors import Fatal, Retriable

logger = logging.getLogger(__name__)

FRAMEWORK = logging.getLogger("faust")
"""Where our subclasses of Faust's services log what the framework says of itself."""
GRACE_SECONDS = 2.0
"""A complaint is no news before it has lasted this long: a rebalance or a moving leader brings some each time."""
REMINDER_SECONDS = 10.0
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


class OutageLog(logging.Handler):
    """Turns the client library's complaints into lines a person can read, and knows whether the broker is away."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._since: float | None = None
        self._last_line: float | None = None

    @property
    def away(self) -> bool:
        """Whether something complained since the broker last answered."""
        return self._since is not None

    def emit(self, record: logging.LogRecord) -> None:
        """Take up a complaint of the client library."""
        message = record.getMessage()
        if not any(word in message for word in ORDINARY):
            self.complain(message)

    def complain(self, message: str) -> None:
        """Kafka did not do what was asked of it: say so once it has lasted, and again each 10 s."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        if now - self._since < GRACE_SECONDS:
            logger.debug("Kafka: %s", message)
        elif self._last_line is None:
            self._last_line = now
            logger.warning("Kafka does not answer, trying again until it does: %s", message)
        elif now - self._last_line >= REMINDER_SECONDS:
            self._last_line = now
            logger.warning("Kafka has not answered for %.0f s: %s", now - self._since, message)

    def answered(self) -> None:
        """Kafka did what was asked of it."""
        if self._since is not None and self._last_line is not None:
            logger.info("Kafka answers again after %.0f s", time.monotonic() - self._since)
        self._since = self._last_line = None


OUTAGE = OutageLog()
"""The process's one view of its broker, as logging itself is the process's."""


def quiet_clients() -> None:
    """Lead aiokafka's log into OUTAGE, and keep Faust's and mode's to warnings. Calling it again changes nothing."""
    aiokafka = logging.getLogger("aiokafka")
    aiokafka.propagate = False
    if OUTAGE not in aiokafka.handlers:
        aiokafka.addHandler(OUTAGE)
    for name in ("faust", "mode"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # it warns of each commit that takes longer than the interval, as all do while the broker is away
    logging.getLogger("mode.timers").setLevel(logging.ERROR)


@contextmanager
def kafka_errors(doing: str) -> Iterator[None]:
    """Raise what goes wrong inside as Retriable (the broker is away) or Fatal (waiting mends nothing).

    `doing` completes the sentence "Kafka: … failed".
    """
    try:
        yield
    except NOT_MENDED_BY_WAITING as error:
        raise Fatal(f"Kafka: {doing} failed for good: {error}.") from error
    except (KafkaError, OSError, TimeoutError) as error:
        OUTAGE.complain(f"{doing}: {error!r}")
        raise Retriable(f"Kafka: {doing} failed: {error!r}.") from error
    else:
        OUTAGE.answered()
