"""A database belongs to the topics that filled it: under another topic prefix nothing is closed and no stage runs."""

import datetime as dt
from dataclasses import replace

import pytest

from stream_app.contexts.closing import close_days
from stream_app.embedded import Endpoints
from stream_app.errors import Fatal
from stream_app.store import triggers
from stream_app.store.database import connection
from stream_app.worker import run_stage
from tests.integration.pipeline import Place, close
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
REFUSED = "^This database was filled from the topic .*: set topic_prefix as it was then"


async def test_under_another_prefix_no_day_gets_a_cut_and_no_stage_starts(place: Place, model: QuickModel) -> None:
    async with place.pipeline(window_days=5) as path, stepping(path, model) as steps:
        await path.send(close("SPX.US", DAY, 1192.7))
        await steps.apply()
        other = path.settings.model_copy(update={"topic_prefix": f"{place.topic_prefix}other."})
        with pytest.raises(Fatal, match=REFUSED):
            await close_days(replace(path.services, settings=other), "US", [DAY])
        async with connection(path.services.pool) as conn:
            assert [key.as_of for key in await triggers.without_cut(conn)] == [DAY]
        with pytest.raises(Fatal, match=REFUSED):
            await run_stage(other, Endpoints(place.endpoints.kafka, place.database_url), "prices")
