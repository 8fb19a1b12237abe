"""Replay over a database that holds the records: nothing changes unless an input or a model did."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace as with_changed

import pytest

from schemas.topics import CONTEXTS
from stream_app.contexts import day_inputs
from stream_app.contexts.computing import register_models
from stream_app.errors import Fatal, UsageError
from stream_app.replay.over_stored import Compared, Publish, StoredReplay, stored_triggers
from stream_app.replay.redefining import Redefined
from stream_app.replay.run import Asked, diff, recompute, replay
from stream_app.store.trigger_queue import EVERY_DAY, Days
from tests.integration.lived import DAYS, LIVE, at, dump, live_run, settled
from tests.integration.pipeline import Pipeline, Place, article
from tests.integration.replay.shown import Counted
from tests.integration.text_models import QuickModel

ALL = Asked((), EVERY_DAY, None)


async def compared(path: Pipeline, asked: Asked) -> Compared:
    done = await replay(path.services, asked, Counted())
    assert isinstance(done, Compared)
    return done


def days_of(done: Compared) -> Sequence[dt.date]:
    return [change.as_of for change in done.changed]


async def test_replay_over_the_live_database_changes_and_publishes_nothing_while_its_worker_goes_on(
    place: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        before, published = await dump(path), len(await path.read(CONTEXTS.name))
        path.start("prices", "news", "contexts")
        assert await compared(path, ALL) == Compared(3, [])
        assert await diff(path.services, ALL, Counted(), redefined=False) == Compared(3, [])
        await path.stop()
        assert await dump(path) == before
        assert len(await path.read(CONTEXTS.name)) == published


@pytest.mark.parametrize("batch", [1, 2, 8])
async def test_days_that_a_worker_amends_meanwhile_are_not_overruled_by_their_older_triggers(
    place: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """However few days are computed at a time, and wherever among them the amended ones are."""
    monkeypatch.setattr(day_inputs, "FIRST_TRIGGERS", batch)
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        models = await register_models(path.services)
        assert models is not None
        listed = await stored_triggers(path.services, (), EVERY_DAY)
        path.start("prices", "news", "contexts")
        await path.send(*(article(f"meanwhile-{day}", at(day, 14), "Meanwhile.") for day in DAYS[:2]))
        await settled(path)
        amended = await path.revisions("US", *DAYS)
        counted = Counted()
        assert (await StoredReplay(path.services, models).diff(listed, Counted())).changed == []
        assert (await StoredReplay(path.services, models).run(listed, Publish.CHANGED, counted)).changed == []
        await path.stop()
        assert counted.done == counted.totals == {"days": 3}
        assert await path.revisions("US", *DAYS) == amended


async def test_a_context_whose_inputs_changed_is_told_by_diff_and_gets_a_revision_by_replay(
    place: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        await path.fetch("UPDATE prices_daily SET close = close + 1 WHERE trade_date = $1", DAYS[0])
        before, published = await dump(path), len(await path.read(CONTEXTS.name))
        told = await diff(path.services, ALL, Counted(), redefined=False)
        assert await dump(path) == before
        assert days_of(told) == DAYS
        assert {why for change in told.changed for why in change.why} == {
            "the contents of prices or articles, or a model's fingerprint"
        }

        second = Asked(("US",), Days(DAYS[1], DAYS[1]), Publish.NONE)
        assert days_of(await compared(path, second)) == [DAYS[1]]
        assert len(await path.read(CONTEXTS.name)) == published

        assert days_of(await compared(path, ALL)) == [DAYS[0], DAYS[2]]
        contexts = await path.contexts()
        assert len(contexts) == published + 2
        assert sorted((context.as_of, context.revision) for context in contexts[-2:]) == [
            (change.as_of, change.revision) for change in told.changed if change.as_of != DAYS[1]
        ]
        assert await compared(path, ALL) == Compared(3, [])

        assert (await compared(path, with_changed(ALL, publish=Publish.ALL))).changed == []
        assert len(await path.contexts()) == 2 * (published + 2) + 1


async def test_days_under_another_definition_close_again_under_todays(place: Place, model: QuickModel) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        assert await recompute(path.services, ALL) == Redefined(made=0, waiting=0)
        french = path.services.regions["US"].model_copy(update={"languages": ("FR",)})
        articles = [(await path.revisions("US", day))[-1].articles for day in DAYS]
        services = with_changed(path.services, regions={**path.services.regions, "US": french})
        before = await dump(path)
        told = await diff(services, ALL, Counted(), redefined=True)
        assert await dump(path) == before
        assert [change.why for change in told.changed] == [
            ("the region's definition", f"articles: {count} -> 0", "absent: no -> no-news") for count in articles
        ]
        first_two = Asked((), Days(DAYS[0], DAYS[1]), None)
        assert await recompute(services, first_two) == Redefined(made=2, waiting=0)
        assert await recompute(services, first_two) == Redefined(made=0, waiting=2)
        path.start("prices", "news", "contexts")
        await settled(path)
        await path.stop()
        assert await recompute(services, first_two) == Redefined(made=0, waiting=0)
        newest = [(await path.revisions("US", day))[-1] for day in DAYS]
        assert [context.absent_reason for context in newest] == ["no-news", "no-news", None]


async def test_what_is_not_whole_is_not_compared(place: Place, model: QuickModel) -> None:
    async with place.pipeline(**LIVE) as path:
        with pytest.raises(UsageError, match=r"^This database holds no whole history"):
            await diff(path.services, ALL, Counted(), redefined=False)
        with pytest.raises(UsageError, match=r"^This database holds no whole history"):
            await recompute(path.services, ALL)


async def test_diff_leaves_a_model_that_is_named_for_the_first_time_unregistered(
    place: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        before = await path.fetch("SELECT * FROM models ORDER BY model_id")
        core = path.services.models.joint[0]
        models = with_changed(path.services.models, joint=(with_changed(core, model_id="joint-another"),))
        services = with_changed(path.services, models=models)
        told = await diff(services, ALL, Counted(), redefined=False)
        assert {change.why for change in told.changed} == {("there was none of joint-another",)}
        assert await path.fetch("SELECT * FROM models ORDER BY model_id") == before


async def test_a_day_that_todays_calendar_does_not_know_is_told_and_no_day_closes_again(
    place: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        saudi = path.services.regions["US"].model_copy(update={"calendar": "XSAU"})
        services = with_changed(path.services, regions={"US": saudi})
        before = await dump(path)
        told = r"^Region US: .* is outside calendar XSAU, .* --from and --to leave days out\.$"
        with pytest.raises(UsageError, match=told):
            await diff(services, ALL, Counted(), redefined=True)
        with pytest.raises(UsageError, match=told):
            await recompute(services, ALL)
        assert await dump(path) == before


async def test_under_another_prefix_nothing_is_compared_and_no_day_closes_again(
    place: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        settings = path.settings.model_copy(update={"topic_prefix": "another."})
        regions = {"US": path.services.regions["US"].model_copy(update={"languages": ("FR",)})}
        services = with_changed(path.services, settings=settings, regions=regions)
        before = await dump(path)
        for redefined in (False, True):
            with pytest.raises(Fatal, match=r"^This database was filled from the topic "):
                await diff(services, ALL, Counted(), redefined=redefined)
        with pytest.raises(Fatal, match=r"^This database was filled from the topic "):
            await recompute(services, ALL)
        assert await dump(path) == before


async def test_only_one_replay_runs_at_a_time(place: Place, model: QuickModel) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)

        class Second(Counted):
            def begin(self, what: str, total: int) -> None:
                super().begin(what, total)
                self.second = asyncio.ensure_future(replay(path.services, ALL, Counted()))

        told = Second()
        await replay(path.services, ALL, told)
        with pytest.raises(UsageError, match=r"^Another replay runs on this database"):
            await told.second
