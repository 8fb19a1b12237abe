"""A topic that gets more partitions is adopted."""

import datetime as dt

import pytest

from schemas.topics import PRICES
from tests.integration.pipeline import Place, close, weekdays
from tests.integration.positions.broken_logs import add_partitions
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

LAST = dt.date(2008, 9, 15)
WINDOW_DAYS = 5
PROGRESS = "SELECT bool_and(keys_moved), count(*) FROM ingest_progress WHERE topic = $1"


async def test_a_stage_adopts_the_partitions_that_a_topic_has_got(
    place: Place, model: QuickModel, caplog: pytest.LogCaptureFixture
) -> None:
    days = weekdays(LAST, 8)
    async with place.pipeline(window_days=WINDOW_DAYS) as path:
        topic = path.services.topic(PRICES.name)
        async with stepping(path, model) as steps:
            await path.send(*[close("A", day, 100.0) for day in days[:4]])
            await steps.apply()
        assert [tuple(row) for row in await path.fetch(PROGRESS, topic)] == [(False, 2)]
        await add_partitions(path, PRICES.name, 5)
        async with stepping(path, model) as steps:
            await path.send(*[close("A", day, 100.0) for day in days[4:]])
            await steps.apply()
        assert [tuple(row) for row in await path.fetch(PROGRESS, topic)] == [(True, 5)]
        assert await path.value("SELECT count(*) FROM ingest_progress WHERE keys_moved AND topic <> $1", topic) == 0
        assert "has more partitions than before, 5" in caplog.text
        assert await path.value("SELECT count(*) FROM numeric_window_embeddings") == 5
        await path.close("US", LAST)
        (cut,) = await path.fetch("SELECT cut FROM day_triggers")
        assert len(cut["cut"][topic]["offsets"]) == 5
