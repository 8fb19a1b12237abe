"""A chunk's records are freed once it is handled: nothing waits for Python to look for cycles."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from agents.price_closes import PriceCloses
from stream_app.kafka.chunks import Chunk, Record
from stream_app.services import Services
from stream_app.store import progress
from stream_app.store.database import connection
from tests.integration.agents.prices import WINDOW_DAYS, record


class Records(list[Record]):
    """Can be told to be gone."""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No cycle is looked for."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_the_records_of_a_chunk_are_in_no_cycle(services: Services) -> None:
    stage = PriceCloses(services)
    async with connection(services.pool) as conn:
        await progress.create(conn, stage.topic, 0, 0)
    records = Records(record(n, "A", n, 100.0 + n) for n in range(WINDOW_DAYS + 2))
    there = weakref.ref(records)
    await stage.handle(Chunk(stage.topic, 0, 1, records))
    del records
    assert there() is None
