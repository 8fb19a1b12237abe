"""A feed gone wrong stops its stage before it ends in the dead letters, and a mended one goes on where it was.

Each attempt is of a new worker, as if a supervisor had started it again.
"""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agents.rejection_limits import RejectionLimits
from schemas import encode
from schemas.topics import NEWS, PRICES
from stream_app.errors import Fatal
from stream_app.kafka.producing import Outgoing
from stream_app.replay.run import replay
from stream_app.worker import run_stage
from tests.faults.observed import committed_offsets
from tests.integration.pipeline import Pipeline, Place, article, close
from tests.integration.replay.shown import Counted
from tests.integration.replay.test_from_log import ALL
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

FIRST_DAY = dt.date(2006, 1, 2)
NOON = dt.datetime(2008, 9, 15, 16, 0, tzinfo=dt.UTC)
LIMITS: dict[str, Any] = {
    "max_rejected_in_a_row": 50,
    "rejected_window_records": 100,
    "rejected_minimum_records": 40,
    "chunk_records": 30,
}
IN_A_ROW = {**LIMITS, "max_rejected_ratio": 1.0}
LETTERS = "SELECT count(*) FROM dead_letters"
PRICED = "SELECT count(*) FROM prices_daily"
STORED_LETTERS = "SELECT log_offset FROM dead_letters ORDER BY log_offset"


@pytest.fixture
async def path(place: Place) -> AsyncIterator[Pipeline]:
    async with place.pipeline(**IN_A_ROW) as made:
        yield made


async def send(path: Pipeline, marks: str) -> None:
    """Prices to one partition: + is a good one, - one that cannot be used."""
    sent = len(await path.read(PRICES.name))
    topic = path.services.topic(PRICES.name)
    days = [FIRST_DAY + dt.timedelta(days=sent + number) for number in range(len(marks))]
    values = [
        encode(close("A", day, 1.0)) if mark == "+" else b"no json" for day, mark in zip(days, marks, strict=True)
    ]
    await path.services.publisher.publish([Outgoing(topic, b"A", value, partition=0) for value in values])


@asynccontextmanager
async def worker(path: Pipeline, model: QuickModel) -> AsyncIterator[Steps]:
    """The stages of a worker that has just been started."""
    async with stepping(path, model) as steps:
        for stage in (steps.prices, steps.news, steps.triggers):
            stage.limits = RejectionLimits.of(path.settings)
        yield steps


async def stopped(path: Pipeline, model: QuickModel) -> str:
    """Start a worker that a limit ends; what it says."""
    async with worker(path, model) as steps:
        with pytest.raises(Fatal) as ended:
            await steps.apply()
    return str(ended.value)


async def goes_on(path: Pipeline, model: QuickModel) -> tuple[int, int]:
    """Start a worker that reads to the end; how many prices and dead letters there are."""
    async with worker(path, model) as steps:
        await steps.apply()
    return await path.value(PRICED), await path.value(LETTERS)


async def test_a_stage_stops_at_the_limit_with_all_before_it_stored_and_no_restart_gets_further(
    path: Pipeline, model: QuickModel
) -> None:
    await send(path, 10 * "+" + 200 * "-")
    told = await stopped(path, model)
    topic = path.services.topic(PRICES.name)
    assert told.startswith(f"Too much on {topic} cannot be used: 51 records in a row were rejected, more than 50.")
    for part in (
        "partition 0, offset 60",
        "not-json 50",
        "dead-letters list",
        "no more than 100% are bad",
        "--max-rejected-in-a-row",
    ):
        assert part in told
    for _ in range(3):
        assert await path.value(PRICED) == 10
        assert [row["log_offset"] for row in await path.fetch(STORED_LETTERS)] == list(range(10, 60))
        assert len(await path.dead_letters()) == 50
        assert await stopped(path, model) == told


async def test_once_the_newest_records_are_good_a_restart_goes_on_and_nothing_is_lost(
    path: Pipeline, model: QuickModel
) -> None:
    await send(path, 10 * "+" + 200 * "-")
    await stopped(path, model)
    await send(path, "+-")
    await stopped(path, model)
    assert await path.value(LETTERS) == 50, "the newest record is no good one"
    await send(path, 40 * "+")
    assert await goes_on(path, model) == (51, 201)
    await send(path, 200 * "-" + "+")
    assert await goes_on(path, model) == (52, 401)


async def test_more_than_the_ratio_of_the_last_records_stops_the_stage_until_the_newest_are_within_it(
    place: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIMITS) as path:
        await send(path, 100 * "++-" + 100 * "--+")
        told = await stopped(path, model)
        assert "records were rejected, more than 50%" in told
        letters = await path.value(LETTERS)
        assert 100 < letters < 150
        assert await stopped(path, model) == told
        await send(path, 5 * "+")
        assert await stopped(path, model) == told
        assert await path.value(LETTERS) == letters
        await send(path, 30 * "+")
        assert await goes_on(path, model) == (335, 300)


async def test_a_start_with_other_limits_lets_them_pass_and_a_later_one_counts_from_there(
    path: Pipeline, place: Place, model: QuickModel
) -> None:
    await send(path, 10 * "+" + 200 * "-")
    await stopped(path, model)
    async with place.pipeline(**IN_A_ROW | {"max_rejected_in_a_row": 0}) as lenient:
        assert await goes_on(lenient, model) == (10, 200)
    await send(path, "-")
    assert "201 records in a row" in await stopped(path, model)
    await send(path, "+" + 30 * "-" + "+" + 30 * "-")
    assert "201 records in a row" in await stopped(path, model)
    await send(path, "+")
    assert await goes_on(path, model) == (13, 261)


async def test_good_records_of_one_partition_do_not_hide_the_bad_ones_of_another(
    path: Pipeline, model: QuickModel
) -> None:
    topic = path.services.topic(PRICES.name)
    good = [Outgoing(topic, b"B", encode(close("B", FIRST_DAY, 1.0)), partition=1) for _ in range(15)]
    async with worker(path, model) as steps:
        for _ in range(3):
            await send(path, 15 * "-")
            await path.services.publisher.publish(good)
            await steps.apply()
    await send(path, 15 * "-")
    await path.services.publisher.publish(good)
    assert "51 records in a row" in await stopped(path, model)


async def test_texts_that_the_model_cannot_read_count_as_well(place: Place, model: QuickModel) -> None:
    texts = [f"This breaks the model. {number}" for number in range(20)]
    model.breaking = set(texts)
    async with place.pipeline(**IN_A_ROW | {"max_rejected_in_a_row": 5}) as path:
        await path.send_to(0, *[article(f"good-{number}", NOON, f"A bank fails. {number}") for number in range(5)])
        await path.send_to(0, *[article(f"a{number}", NOON, text) for number, text in enumerate(texts)])
        told = await stopped(path, model)
        for part in (path.services.topic(NEWS.name), "6 records in a row", "not-encodable 5"):
            assert part in told
        assert await path.value(LETTERS) == 5
        assert await path.value("SELECT count(*) FROM news_articles") == 5


async def test_a_replay_reads_on_whatever_is_rejected(
    place: Place, path: Pipeline, emptied: Place, model: QuickModel
) -> None:
    await send(path, 10 * "+" + 200 * "-" + "+")
    assert await goes_on(path, model) == (11, 200)
    async with emptied.pipeline(**IN_A_ROW) as replayed:
        await send(replayed, 200 * "-")
        await replay(replayed.services, ALL, Counted())
        assert (await replayed.value(PRICED), await replayed.value(LETTERS)) == (11, 400)


async def test_a_live_stage_ends_with_it_and_commits_nothing_beyond(path: Pipeline) -> None:
    await send(path, 10 * "+" + 200 * "-")
    with pytest.raises(Fatal, match="51 records in a row"):
        await run_stage(path.settings, path.endpoints, "prices")
    assert await path.value(LETTERS) == 50
    assert (await committed_offsets(path))[PRICES.name, 0] <= 60
