"""The one source of the current time, injected wherever time is asked for. The domain and payloads never ask."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> dt.datetime:
        """The current time, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        """The current time, aware, in UTC."""
        return dt.datetime.now(dt.UTC)


@dataclass
class FixedClock:
    """A clock that a test sets."""

    time: dt.datetime

    def now(self) -> dt.datetime:
        """The time it was set to."""
        return self.time
