"""A service that is away: said in one line when it goes, each 10 s while it is gone, and in one line when it answers.

`KAFKA` and `POSTGRES` are the process's one view of each, as logging itself is the process's: what the log says, what
the health endpoint answers, and whether a retry still has to be told come from there.
"""

import logging
import math
import time
from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from stream_app.errors import Away, Retriable

REMINDER_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Outage:
    """Whether a service is away. Threads may tell of it and ask at the same time."""

    def __init__(self, service: str, grace_seconds: float) -> None:
        self.service = service
        self._grace_seconds = grace_seconds
        self._since: float | None = None
        self._last_line: float | None = None

    @property
    def away(self) -> bool:
        """Whether something complained since the service last answered."""
        return self._since is not None

    @property
    def told(self) -> bool:
        """Whether it is away for longer than the grace, and the log says so."""
        return self._last_line is not None

    @property
    def reason(self) -> str | None:
        """Since when it is away, where that was told."""
        since = self._since
        return f"has not answered for {time.monotonic() - since:.0f} s" if self.told and since is not None else None

    def complain(self, message: str, *, at_once: bool = False) -> None:
        """It did not do what was asked of it: say so once that has lasted (or `at_once`), and again each 10 s."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        if not at_once and not self.told and now - self._since < self._grace_seconds:
            logger.debug("%s: %s", self.service, message)
        elif self._last_line is None:
            self._last_line = now
            logger.warning("%s does not answer, trying again until it does: %s", self.service, message)
        elif now - self._last_line >= REMINDER_SECONDS:
            self._last_line = now
            logger.warning("%s has not answered for %.0f s: %s", self.service, now - self._since, message)

    def answered(self, asked_at: float = math.inf) -> None:
        """It did what was asked of it at that time (monotonic, s); what was asked before it went away tells nothing."""
        since, told = self._since, self.told
        if since is not None and asked_at < since:
            return
        self._since = self._last_line = None
        if since is not None and told:
            logger.info("%s answers again after %.0f s", self.service, time.monotonic() - since)


KAFKA = Outage("Kafka", grace_seconds=2.0)
"""A complaint is no news before it has lasted: a rebalance or a moving leader brings some each time."""
POSTGRES = Outage("Postgres", grace_seconds=0.0)


_OUTAGES = {outage.service: outage for outage in (KAFKA, POSTGRES)}


def say_waiting(log: logging.Logger, what: str, error: BaseException | None) -> None:
    """Tell that `what` waits and is tried again; of a service that is away it is told once, and not by all who wait."""
    level = logging.WARNING
    if isinstance(error, Away):
        outage = _OUTAGES[error.service]
        outage.complain(error.reason)
        level = logging.DEBUG if outage.told else level
    log.log(level, "%s: %s", what, error)


async def while_away(work: Callable[[], Awaitable[object]]) -> None:
    """Do `work`, and again while Postgres or the broker is away."""

    def say(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Away):
            # nothing goes on before it answers, so there is nothing to be gained by a grace
            _OUTAGES[error.service].complain(error.reason, at_once=True)
        say_waiting(logger, "waiting", error)

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(Retriable),
        wait=wait_exponential(max=LONGEST_WAIT_SECONDS),
        before_sleep=say,
        reraise=True,
    )
    async for attempt in retrying:
        with attempt:
            await work()
