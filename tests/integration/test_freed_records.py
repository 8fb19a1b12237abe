"""A chunk's records are freed once it is handled: none waits for Python to look for cycles."""

import datetime as dt
import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace

import pytest

from stream_app.kafka.chunks import Record
from tests.integration.pipeline import Place, article, close, weekdays
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOON = dt.datetime.combine(DAY, dt.time(12), dt.UTC)


class Records(list[Record]):
    """Can be told to be gone."""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No cycle is looked for."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_no_stage_leaves_a_chunks_records_in_a_cycle(place: Place, model: QuickModel) -> None:
    async with place.pipeline(window_days=5) as path, stepping(path, model) as steps:
        await path.send(*[close("SPX.US", day, 1200.0) for day in weekdays(DAY, 7)])
        await path.send(article("n1", NOON, "A bank fails."), article("n2", NOON, "A bank is saved."))
        await path.close("US", DAY)
        for stage in (steps.prices, steps.news, steps.triggers):
            chunks = [chunk async for chunk in steps.chunks(stage)]
            assert chunks
            while chunks:
                records = Records(chunks[0].records)
                there = weakref.ref(records)
                await stage.handle(replace(chunks.pop(0), records=records))
                del records
                assert there() is None, stage.topic
