"""Exchange calendars: sessions, their scheduled closes, and the news that counts on a session.

Built by exchange_calendars with an explicit start and end: its own defaults depend on today and start 20 years back.
"""

import datetime as dt
import difflib
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import exchange_calendars
import numpy as np
from exchange_calendars.errors import InvalidCalendarName
from numpy.typing import NDArray

EARLIEST_START = dt.date(1985, 1, 1)

# The filters of warnings are the process's: of two threads that set them aside at once, one would get them back early.
_building = threading.Lock()
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ONE_DAY = dt.timedelta(days=1)


class OutsideCalendar(ValueError):
    """The day is before the first or after the last session that the calendar was built with."""


@dataclass(frozen=True, slots=True, eq=False)
class SessionCalendar:
    """An exchange's sessions. The news of a session is what was published after the previous session's close and not
    after its own, so the first session has no news window. Every method raises OutsideCalendar, which names the bounds,
    for a day that is not from the first to the last session."""

    name: str
    sessions: NDArray[np.datetime64]
    """(n,) datetime64[D], ascending."""
    closes: NDArray[np.datetime64]
    """(n,) datetime64[us], UTC: the scheduled close of each session."""
    opens: NDArray[np.datetime64]
    """(n,) datetime64[us], UTC: the scheduled open of each session."""

    def is_session(self, day: dt.date) -> bool:
        """Whether the exchange trades on that day."""
        self._check(day)
        return bool(self.sessions[self._at_or_after(day)] == np.datetime64(day, "D"))

    def nearest_sessions(self, day: dt.date) -> tuple[dt.date | None, dt.date | None]:
        """The last session before the day and the first one after it."""
        self._check(day)
        before = self._at_or_after(day) - 1
        after = int(np.searchsorted(self.sessions, np.datetime64(day, "D"), side="right"))
        return (
            self.sessions[before].item() if before >= 0 else None,
            self.sessions[after].item() if after < len(self.sessions) else None,
        )

    def sessions_between(self, start: dt.date, end: dt.date) -> list[dt.date]:
        """The sessions from start to end, both included."""
        self._check(start)
        self._check(end)
        past_end = int(np.searchsorted(self.sessions, np.datetime64(end, "D"), side="right"))
        days: list[dt.date] = self.sessions[self._at_or_after(start) : past_end].tolist()
        return days

    def scheduled_close(self, day: dt.date, news_day: str) -> dt.datetime:
        """When the day is over, aware, UTC: the session's close; for a non-session the next midnight UTC; with
        `news_day` "utc_date" not before that midnight, when the day's news is complete."""
        next_midnight = dt.datetime.combine(day + _ONE_DAY, dt.time(), dt.UTC)
        if not self.is_session(day):
            return next_midnight
        close = _aware(self.closes[self._at_or_after(day)])
        return max(close, next_midnight) if news_day == "utc_date" else close

    def is_open(self, now: dt.datetime) -> bool:
        """Whether a session has opened and not closed; a break at noon is part of it. Outside the calendar: no."""
        at = int(np.searchsorted(self.opens, _naive(now), side="right")) - 1
        return at >= 0 and bool(_naive(now) < self.closes[at])

    def next_close(self, now: dt.datetime, news_day: str) -> tuple[dt.date, dt.datetime] | None:
        """The first session whose `scheduled_close` is still to come, and that; None after the calendar's last."""
        # Under utc_date the session before the next one may still wait for its midnight.
        first = max(0, int(np.searchsorted(self.closes, _naive(now), side="right")) - 2)
        for day in self.sessions[first:].tolist():
            if (close := self.scheduled_close(day, news_day)) > now:
                return day, close
        return None

    def scheduled_open(self, day: dt.date) -> dt.datetime:
        """When the session of the day, or the next one after it, begins, aware, UTC."""
        self._check(day)
        return _aware(self.opens[self._at_or_after(day)])

    def news_window(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """(after, until], aware, UTC: the previous session's close, and the day's own or, for a non-session, the next
        midnight UTC."""
        after, until = self.news_windows(np.array([day], "datetime64[D]"))
        return _aware(after[0]), _aware(until[0])

    def news_windows(self, days: NDArray[np.datetime64]) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
        """`news_window` of each of the days (m,): after and until, both (m,) datetime64[us], UTC."""
        if len(days) and (days.min() <= self.sessions[0] or days.max() > self.sessions[-1]):
            outside = days[(days <= self.sessions[0]) | (days > self.sessions[-1])][0]
            raise OutsideCalendar(
                f"The news window of {outside} is not known: calendar {self.name} has a previous close "
                f"for the days after {self.sessions[0]} to {self.sessions[-1]}."
            )
        index = np.searchsorted(self.sessions, days, side="left")
        next_midnights = (days + np.timedelta64(1, "D")).astype("datetime64[us]")
        until = np.where(self.sessions[index] == days, self.closes[index], next_midnights)
        return self.closes[index - 1], until

    def session_of(self, published: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """The session in whose news window each instant (m,), datetime64[us] UTC, lies: (m,) datetime64[D].

        NaT outside the calendar: up to the first session's close, and after the last one's.
        """
        index = np.searchsorted(self.closes, published, side="left")
        found = np.full(len(published), np.datetime64("NaT"), "datetime64[D]")
        inside = (index > 0) & (index < len(self.closes))
        found[inside] = self.sessions[index[inside]]
        return found

    def _at_or_after(self, day: dt.date) -> int:
        return int(np.searchsorted(self.sessions, np.datetime64(day, "D"), side="left"))

    def _check(self, day: dt.date) -> None:
        if not self.sessions[0] <= np.datetime64(day, "D") <= self.sessions[-1]:
            raise OutsideCalendar(
                f"{day} is outside calendar {self.name}, which is known from {self.sessions[0]} to {self.sessions[-1]}."
            )


@cache
def load_calendar(name: str, end: dt.date) -> SessionCalendar:
    """The calendar of an exchange (an ISO 10383 code such as XNYS, or 24/7), built once a process (0.3 s).

    From the later of 1985-01-01 and the calendar's own bound to the earlier of `end` and its own bound. Raises
    ValueError for an unknown name, with the names most like it.
    """
    with _building, warnings.catch_warnings():
        # exchange_calendars 4.13 still calls what pandas 4 will drop
        warnings.simplefilter("ignore", DeprecationWarning)
        built = _built(name, end)
        sessions = built.sessions.to_numpy().astype("datetime64[D]")
        return SessionCalendar(name, sessions, _instants(built.closes), _instants(built.opens))


def _instants(column: Any) -> NDArray[np.datetime64]:
    utc: NDArray[np.datetime64] = column.dt.tz_convert(None).to_numpy().astype("datetime64[us]")
    return utc


def _built(name: str, end: dt.date) -> Any:
    """The calendar as exchange_calendars has it. It fails on some of its own in ways of their own (ASEX, XTAE)."""
    try:
        earliest, latest = _own_bounds(type(exchange_calendars.get_calendar(name)))
        return exchange_calendars.get_calendar(name, start=max(EARLIEST_START, earliest), end=min(end, latest))
    except InvalidCalendarName:
        raise ValueError(_unknown(name)) from None
    except Exception as error:
        raise ValueError(f"exchange_calendars fails on its calendar {name} ({type(error).__name__}).") from error


def _own_bounds(kind: Any) -> tuple[dt.date, dt.date]:
    """The first and last day for which a calendar's holidays are recorded."""
    earliest, latest = kind.bound_min(), kind.bound_max()
    return (
        earliest.date() if earliest is not None else dt.date.min,
        latest.date() if latest is not None else dt.date.max,
    )


def _unknown(name: str) -> str:
    known = exchange_calendars.get_calendar_names(include_aliases=True)
    alike = difflib.get_close_matches(name.upper(), known, n=3)
    advice = (
        f"Is {' or '.join(alike)} meant?" if alike else "Known are ISO 10383 codes such as XNYS and XLON, and 24/7."
    )
    return f"There is no exchange calendar {name!r}. {advice}"


def _aware(instant: np.datetime64) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=int(instant.astype(np.int64)))


def _naive(instant: dt.datetime) -> np.datetime64:
    return np.datetime64(instant.astimezone(dt.UTC).replace(tzinfo=None), "us")
