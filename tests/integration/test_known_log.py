"""Days are closed by hand only on a database that knows what the log has closed already."""

import datetime as dt

import pytest

from stream_app.contexts.closing import close_days
from stream_app.contexts.log_known import require_known_log
from stream_app.errors import UsageError
from tests.integration.pipeline import Place
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

FRIDAY, MONDAY = dt.date(2008, 9, 12), dt.date(2008, 9, 15)


async def test_an_emptied_database_has_to_read_the_log_before_days_are_closed_on_it(
    place: Place, emptied: Place, model: QuickModel
) -> None:
    async with place.pipeline() as path:
        await require_known_log(path.services)
        await close_days(path.services, "US", [FRIDAY])
    async with emptied.pipeline() as path, stepping(path, model) as steps:
        with pytest.raises(UsageError, match="start `stream-app worker`"):
            await require_known_log(path.services, wait_seconds=0.5)
        await steps.apply()
        await require_known_log(path.services)
        assert await close_days(path.services, "US", [FRIDAY, MONDAY]) == 1


async def test_days_that_this_database_closed_itself_need_no_worker_to_be_known(place: Place) -> None:
    async with place.pipeline() as path:
        await close_days(path.services, "US", [FRIDAY])
        await require_known_log(path.services)
        assert await close_days(path.services, "US", [MONDAY]) == 1
