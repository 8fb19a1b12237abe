"""A log that has lost records is never jumped over in silence: the worker stops, and going on without them is noted."""

import random
from functools import partial

import pytest

from agents.text_refill import refill_text_vectors
from schemas.topics import PRICES, TEXT
from stream_app.errors import Fatal
from stream_app.kafka import groups
from stream_app.kafka.groups import group_id
from stream_app.positions import adopting
from stream_app.store.database import connection
from tests.faults.locks import blocked, writes_blocked
from tests.integration.pipeline import Pipeline, Place, until
from tests.integration.positions.broken_logs import lose, recreate
from tests.integration.positions.history import DAYS, SETTINGS, live, newest, news, prices
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

FIRST_DAY = 5
"""Where the price of the first closed day stands among `prices()`."""
ADOPT = r"`stream-app log adopt` shows what is to be done"


async def committed(path: Pipeline) -> dict[int, int]:
    """What the prices stage's group has committed."""
    topic = path.services.topic(PRICES.name)
    return dict(
        (await groups.look_at(path.endpoints.kafka, group_id(path.settings.topic_prefix, "prices"), topic)).committed
    )


async def adopt(path: Pipeline) -> None:
    """Go on with the logs as they are."""
    found = await adopting.look(path.services, path.endpoints.kafka)
    await adopting.adopt(path.services, path.endpoints.kafka, found)
    assert await adopting.look(path.services, path.endpoints.kafka) == []


async def has_ended(path: Pipeline) -> bool:
    """Whether the prices stage has ended by itself."""
    return path._running["prices"][0].done()


async def lost(path: Pipeline) -> list[tuple[object, ...]]:
    """What is noted as never applied."""
    rows = await path.fetch("SELECT topic, log_epoch, partition, first_offset, end_offset FROM lost_records")
    return [tuple(row) for row in rows]


async def test_records_that_were_lost_before_they_were_applied_stop_the_worker_until_they_are_noted(
    place: Place, model: QuickModel, seed: int
) -> None:
    draw = random.Random(seed)
    applied, begins = draw.randint(1, FIRST_DAY), draw.randint(FIRST_DAY + 1, len(prices()) - 1)
    async with place.pipeline(**SETTINGS) as path:
        topic = path.services.topic(PRICES.name)
        async with stepping(path, model) as steps:
            await path.send_to(1, *prices()[:applied])
            await steps.apply()
            await path.send_to(1, *prices()[applied:])
            await path.send(*news())
            await path.close("US", *DAYS)
        await lose(path, PRICES.name, 1, below=begins)
        told = rf"closes\[1\] begins at offset {begins}, but the next .* is {applied}: .* {ADOPT}"
        async with stepping(path, model) as steps:
            with pytest.raises(Fatal, match=told):
                await steps.apply()
        await adopt(path)
        assert await lost(path) == [(topic, 1, 1, applied, begins)]
        assert (await committed(path)) == {1: begins}
        async with stepping(path, model) as steps:
            await steps.apply()
            await steps.compute()
        rows = await path.fetch("SELECT trade_date FROM prices_daily ORDER BY 1")
        assert [row[0] for row in rows] == [p.trade_date for p in (*prices()[:applied], *prices()[begins:])]
        first = (await newest(path))[0]
        assert first.absent_reason is None or first.numeric_last_date != DAYS[0]


async def test_a_commit_below_the_start_of_the_log_stops_the_worker_until_it_is_set(
    place: Place, model: QuickModel, seed: int
) -> None:
    draw = random.Random(seed)
    commit = draw.randint(0, 5)
    begins = draw.randint(commit + 1, 7)
    async with place.pipeline(**SETTINGS) as path:
        topic, group = path.services.topic(PRICES.name), group_id(path.settings.topic_prefix, "prices")
        async with stepping(path, model) as steps:
            await path.send_to(0, *prices())
            await steps.apply()
        await groups.commit(path.endpoints.kafka, group, topic, {0: commit})
        await lose(path, PRICES.name, 0, below=begins)
        path.start("prices")

        await until(partial(has_ended, path), "the stage has ended")
        with pytest.raises(
            Fatal, match=rf"begins at offset {begins}, but the group has committed {commit}: .* stands at 8.* {ADOPT}"
        ):
            await path.stop("prices")
        await adopt(path)
        assert await lost(path) == []
        assert (await committed(path))[0] == begins
        path.start("prices")
        await path.send_to(0, *prices(change=1.0)[-1:])
        await until(lambda: path.value("SELECT count(*) FROM prices_history"), "the worker goes on")
        await path.stop("prices")


async def test_records_lost_under_a_running_worker_stop_it_in_the_same_words(place: Place, model: QuickModel) -> None:
    async with place.pipeline(**SETTINGS, chunk_records=1) as path:
        path.start("prices")
        await path.send_to(0, *prices())
        await until(lambda: path.value("SELECT count(*) = 8 FROM prices_daily"), "the worker runs")
        async with writes_blocked(path, "prices_daily"):
            await path.send_to(0, *prices(change=1.0))
            await blocked(path, "prices_daily")
            await path.send_to(0, *prices(change=2.0))
            await lose(path, PRICES.name, 0, below=24)
        await until(partial(has_ended, path), "the stage has ended")
        with pytest.raises(Fatal, match=rf"begins at offset 24, but the next record to apply is \d+: .* {ADOPT}"):
            await path.stop("prices")


async def test_vectors_are_read_again_from_their_recreated_topic(
    place: Place, model: QuickModel, caplog: pytest.LogCaptureFixture
) -> None:
    async with place.pipeline(**SETTINGS) as path:
        async with stepping(path, model) as steps:
            await live(path, steps)
        kept = [record for record in await path.read(TEXT.name)]
        assert await refill_text_vectors(path.services) == len(kept)
        await recreate(path, TEXT.name)
        await path.send_raw(TEXT.name, 0, *[(record.key, record.value) for record in kept])
        async with connection(path.services.pool) as conn:
            await conn.execute("DELETE FROM text_vectors")
        assert await refill_text_vectors(path.services) == len(kept)
        assert await path.value("SELECT count(*) FROM text_vectors") == len(kept)
        assert "It is read from its start" in caplog.text
