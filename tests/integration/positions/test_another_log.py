"""A topic that was recreated stops the worker, which says how to go on; and then all goes on with the new log."""

import asyncio
import re

import pytest
from aiokafka import AIOKafkaConsumer

from agents.text_refill import refill_text_vectors
from schemas.topics import CONTEXTS, DAY_CLOSES, NEWS, PRICES
from stream_app import worker
from stream_app.contexts.cut import read_cut
from stream_app.errors import Fatal, UsageError
from stream_app.kafka.groups import group_id
from stream_app.positions import adopting
from stream_app.positions.adopting import Found
from stream_app.positions.comparing import require_same_logs
from tests.integration.pipeline import Pipeline, Place, until
from tests.integration.positions.broken_logs import recreate
from tests.integration.positions.history import DAYS, LAST, SETTINGS, amended, epoch, live, newest, news, prices
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

ADOPT = r"`stream-app log adopt` shows what is to be done"


async def adopt(path: Pipeline) -> list[Found]:
    """Go on with the logs as they are; what was found."""
    found = await adopting.look(path.services, path.endpoints.kafka)
    await adopting.adopt(path.services, path.endpoints.kafka, found)
    assert await adopting.look(path.services, path.endpoints.kafka) == []
    return found


@pytest.mark.parametrize(
    ("partitions", "sent", "told"),
    [
        (2, 0, r"closes\[{p}\] ends at offset 0, but this database has applied it up to 8: the topic was recreated"),
        (2, 20, r"closes\[{p}\] is not the log that this database was filled from: the record at offset 7 is another"),
        (1, 20, r"closes\[1\] is gone, which this database has applied up to \d: the topic was recreated with 1 parti"),
    ],
    ids=["shorter", "longer", "fewer-partitions"],
)
async def test_a_recreated_topic_stops_the_worker_which_says_what_happened_and_how_to_go_on(
    place: Place, model: QuickModel, partitions: int, sent: int, told: str
) -> None:
    async with place.pipeline(**SETTINGS) as path:
        async with stepping(path, model) as steps:
            await path.send_to(1, *prices())
            await steps.apply()
        await recreate(path, PRICES.name, partitions)
        await path.send_raw(PRICES.name, partitions - 1, *[(b"x", b"{}")] * sent)
        async with stepping(path, model) as steps:
            with pytest.raises(Fatal, match=told.format(p=1)) as stopped:
                await steps.apply()
        assert re.search(ADOPT, str(stopped.value))
        with pytest.raises(Fatal, match=ADOPT):
            await require_same_logs(path.services)


async def test_no_day_is_cut_by_the_end_of_another_log(place: Place, model: QuickModel) -> None:
    async with place.pipeline(**SETTINGS) as path, stepping(path, model) as steps:
        await live(path, steps)
        await recreate(path, PRICES.name)
        with pytest.raises(Fatal, match=r"No day gets a cut: .*closes\[\d\] ends at offset 0, .* up to 8\. `stream"):
            await read_cut(path.services)


async def test_a_topic_recreated_while_a_worker_runs_stops_it(
    place: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "CHECK_LOGS_SECONDS", 0.5)
    async with place.pipeline(**SETTINGS) as path:
        path.start("prices")
        await path.send(*prices())
        await path.applied()
        await recreate(path, PRICES.name)
        await path.send(*prices()[:2])

        async def has_ended() -> bool:
            return path._running["prices"][0].done()

        await until(has_ended, "the stage has ended")
        told = (
            "closes was deleted while a worker ran",
            "no longer holds the offset .* start the worker again",
            rf"closes\[\d\] .* offset \d, .* {ADOPT}",
        )
        with pytest.raises(Fatal, match="|".join(told)):  # by what of the worker noticed it first
            await path.stop("prices")


async def test_an_adopted_log_is_read_from_its_start_and_an_emptied_database_comes_to_the_same_contexts(
    place: Place, emptied: Place, model: QuickModel
) -> None:
    async with place.pipeline(**SETTINGS) as path:
        async with stepping(path, model) as steps:
            await live(path, steps)
        first = await newest(path)
        await recreate(path, PRICES.name)
        await path.send(*prices(change=5.0))
        (found,) = await adopt(path)
        assert (found.topic, found.epoch, found.unreachable) == (path.services.topic(PRICES.name), 2, {})
        async with stepping(path, model) as steps:
            await amended(steps)
        after = await newest(path)
        assert [context.revision for context in after] == [1, 2, 2]
        assert after[0].vector == first[0].vector, "no input of the first day has changed"
        stored = await path.fetch("SELECT log_epoch, count(*) FROM prices_daily GROUP BY 1")
        assert [tuple(row) for row in stored] == [(2, 8)]
        assert await path.value("SELECT count(*) FROM prices_history WHERE log_epoch = 1") == 8

    async with emptied.pipeline(**SETTINGS) as path:
        await refill_text_vectors(path.services)
        async with stepping(path, model) as steps:
            await amended(steps)
        assert await epoch(path, PRICES.name) == 2
        refilled = await newest(path)
        assert [context.vector for context in refilled] == [context.vector for context in after]
        assert await path.value("SELECT count(*) FROM day_triggers WHERE superseded") == len(DAYS)


async def test_a_day_that_waits_for_records_of_the_old_log_is_amended_instead(place: Place, model: QuickModel) -> None:
    async with place.pipeline(**SETTINGS) as path:
        async with stepping(path, model) as steps:
            await path.send(*prices()[:4], *news())
            await steps.apply()
            await path.send(*prices()[4:])
            await path.close("US", *DAYS)
            await steps.apply(steps.triggers)
        await recreate(path, PRICES.name)
        (found,) = await adopt(path)
        assert found.unreachable == {"US": list(DAYS)}
        await path.send(*prices())
        async with stepping(path, model) as steps:
            await steps.compute()
            assert await path.revisions("US", *DAYS) == []
            await amended(steps)
        assert [(c.revision, c.trigger_number) for c in await newest(path)] == [(1, 2)] * len(DAYS)
        assert await path.value("SELECT count(*) FROM late_marks") == 0
        assert len(await path.read(CONTEXTS.name)) == len(DAYS)


async def test_recreated_day_closes_get_every_trigger_again(place: Place, emptied: Place, model: QuickModel) -> None:
    async with place.pipeline(**SETTINGS) as path:
        async with stepping(path, model) as steps:
            await live(path, steps)
        before = await newest(path)
        await path.close("US", LAST.replace(day=16), force=True)
        await recreate(path, DAY_CLOSES.name)
        await adopt(path)
        async with stepping(path, model) as steps:
            await amended(steps)
        assert await path.value("SELECT count(*) FROM day_triggers WHERE known_at IS NULL OR NOT computed") == 0
        assert await path.value("SELECT max(number) FROM day_triggers") == 1, "no day is amended for it"
        assert await newest(path) == before

    async with emptied.pipeline(**SETTINGS) as path:
        await refill_text_vectors(path.services)
        async with stepping(path, model) as steps:
            await amended(steps)
        assert [c.vector for c in await newest(path)] == [c.vector for c in before]


async def test_nothing_is_adopted_while_somebody_is_in_the_group(place: Place, model: QuickModel) -> None:
    async with place.pipeline(**SETTINGS) as path:
        async with stepping(path, model) as steps:
            await live(path, steps)
        await recreate(path, NEWS.name)
        await recreate(path, PRICES.name)
        found = await adopting.look(path.services, path.endpoints.kafka)
        topic, group = path.services.topic(PRICES.name), group_id(path.settings.topic_prefix, "prices")
        async with AIOKafkaConsumer(topic, bootstrap_servers=path.endpoints.kafka.servers, group_id=group):
            with_a_member = await adopting.look(path.services, path.endpoints.kafka)
            assert [each.members for each in with_a_member] == [1, 0]
            with pytest.raises(UsageError, match=r"A worker reads .*prices\.closes: stop it first"):
                await adopting.adopt(path.services, path.endpoints.kafka, with_a_member)
        assert (await epoch(path, PRICES.name), await epoch(path, NEWS.name)) == (1, 1)
        await adopting.adopt(path.services, path.endpoints.kafka, found)
        assert (await epoch(path, PRICES.name), await epoch(path, NEWS.name)) == (2, 2)


async def test_a_worker_that_lived_through_an_adoption_does_not_go_on(place: Place, model: QuickModel) -> None:
    async with place.pipeline(**SETTINGS) as path, stepping(path, model) as steps:
        await path.send_to(0, *prices())
        await steps.apply()
        await recreate(path, PRICES.name)
        await path.send_to(0, *prices(), *prices(change=1.0))
        await adopt(path)
        chunks = [chunk async for chunk in steps.chunks(steps.prices)]
        assert chunks[0].first_offset == len(prices()), "it has read on where it stood in the old log"
        with pytest.raises(Fatal, match=r"was replaced while a worker ran: start the worker again"):
            await steps.prices.handle(chunks[0])
        assert (
            await path.value("SELECT max(next_offset) FROM ingest_progress WHERE topic = $1", steps.prices.topic) == 0
        )


async def test_two_that_adopt_at_once_make_one_epoch(place: Place, model: QuickModel) -> None:
    async with place.pipeline(**SETTINGS) as path:
        async with stepping(path, model) as steps:
            await live(path, steps)
        await recreate(path, PRICES.name)
        found = await adopting.look(path.services, path.endpoints.kafka)
        both = [adopting.adopt(path.services, path.endpoints.kafka, found) for _ in range(2)]
        outcomes = await asyncio.gather(*both, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes if outcome is not None] == [UsageError]
        assert await epoch(path, PRICES.name) == 2
