"""Which days may be closed, and what is offered instead of one that may not."""

import datetime as dt
from typing import Any

import pytest

from stream_app.clock import FixedClock
from stream_app.config import Settings, load_regions
from stream_app.contexts.closing import check_closable
from stream_app.errors import UsageError
from stream_app.models import models_in_use
from stream_app.services import Services

FRIDAY, MONDAY, TUESDAY = (dt.date(2008, 9, day) for day in (12, 15, 16))
NOWHERE: Any = None
"""Nothing is asked of Postgres or the broker."""


def services(hour: int) -> Services:
    """What a command stands on, at this hour of the Monday, UTC. New York closes at 20:00, a quarter of grace later."""
    now = dt.datetime.combine(MONDAY, dt.time(hour), dt.UTC)
    return Services(
        Settings(), load_regions(), models_in_use(Settings()), "", NOWHERE, NOWHERE, NOWHERE, NOWHERE, FixedClock(now)
    )


def refusal(hour: int, day: dt.date) -> str:
    with pytest.raises(UsageError) as raised:
        check_closable(services(hour), "US", day)
    check_closable(services(hour), "US", day, force=True)
    return str(raised.value)


@pytest.mark.parametrize(
    ("hour", "day", "last_closed"),
    [(20, MONDAY, FRIDAY), (20, TUESDAY, FRIDAY), (20, dt.date(2034, 9, 15), FRIDAY), (21, TUESDAY, MONDAY)],
)
def test_instead_of_a_day_that_has_not_closed_the_last_one_that_has_is_named(
    hour: int, day: dt.date, last_closed: dt.date
) -> None:
    assert f"US {day} closes at {day} 20:15 UTC; the last session that has closed is {last_closed} " in refusal(
        hour, day
    )
    check_closable(services(hour), "US", last_closed)


def test_instead_of_a_day_that_is_no_session_the_nearest_are_named() -> None:
    assert "2008-09-13 is no session of XNYS; the nearest are 2008-09-12 and 2008-09-15 " in refusal(
        12, dt.date(2008, 9, 13)
    )


def test_instead_of_a_region_that_there_is_not_those_that_there_are_are_named() -> None:
    with pytest.raises(UsageError, match=r"^There is no region us; there are .*\bUS\.$"):
        check_closable(services(12), "us", FRIDAY)
