"""Several joint models side by side: each has its contexts under its own id, live, replayed, and added later."""

import datetime as dt
import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from schemas import JointRegimeContext
from stream_app.contexts.computing import register_models
from stream_app.errors import Fatal
from stream_app.models.scalings import decoded, encoded
from stream_app.models.tables import PACKAGED_MODELS
from stream_app.regime import volatility_profile
from stream_app.replay.over_stored import Compared
from stream_app.replay.run import Asked, replay
from stream_app.store.trigger_queue import EVERY_DAY
from tests.integration.lived import DAYS, LIVE, TABLES, WINDOW_DAYS, at, dump, live_run, settled
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.replay.shown import Counted
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel
from tests.models_file import CORE, DEFAULT, SCALED

SHORT, SHORT_ID, SHORT_DAYS = "joint-short", "num-short", 3
WEIGHTS = PACKAGED_MODELS.parent / "models" / f"{SCALED}.json"
OLDER, NEWER = "joint-regime-scaled-v1", SCALED


def both(folder: Path) -> dict[str, Any]:
    """Core and a scaled model of shorter windows, with the packaged weights as if they were fitted on these."""
    packaged = decoded(WEIGHTS.read_bytes())
    of = replace(
        packaged.fitted, numeric_model_id=SHORT_ID, numeric_fingerprint=volatility_profile.fingerprint(SHORT_DAYS)
    )
    weights = folder / "short.json"
    weights.write_bytes(encoded(replace(packaged, fitted=of)))
    more = f"""
[models.{SHORT_ID}]
kind = "numeric"
algorithm = "volatility-profile"
window_days = {SHORT_DAYS}

[models.{SHORT}]
kind = "joint"
algorithm = "scaled"
inputs = ["{SHORT_ID}", "text-fin-general-v1"]
weights = "{weights}"
"""
    return {**LIVE, "more_models": more, "joint_models": (CORE, SHORT)}


ALL = Asked((), EVERY_DAY, None)


async def by_model(path: Pipeline) -> dict[str, list[JointRegimeContext]]:
    """The stored revisions of each model by day and number."""
    found = defaultdict(list)
    for context in await path.revisions("US", *DAYS):
        found[context.model_id].append(context)
    return found


def days_and_revisions(contexts: list[JointRegimeContext]) -> list[tuple[dt.date, int]]:
    return [(context.as_of, context.revision) for context in contexts]


def newest(contexts: list[JointRegimeContext]) -> dict[dt.date, tuple[str, bytes]]:
    """Of each day the last revision's inputs and vector."""
    return {c.as_of: (c.inputs_hash, c.vector.data if c.vector else b"") for c in contexts}


async def published(path: Pipeline) -> list[JointRegimeContext]:
    """The contexts on the topic, each once, in the order of the first copies."""
    return list({context.event_id: context for context in await path.contexts()}.values())


async def test_two_models_are_computed_live_from_the_same_records_and_replayed_to_the_byte(
    place: Place, emptied: Place, model: QuickModel, tmp_path: Path
) -> None:
    async with place.pipeline(**both(tmp_path)) as path:
        await live_run(path)
        made = await by_model(path)
        assert {name: {w.rows for c in contexts for w in c.instruments} for name, contexts in made.items()} == {
            CORE: {WINDOW_DAYS},
            SHORT: {SHORT_DAYS},
        }
        for contexts in made.values():
            assert sorted(days_and_revisions(contexts)) == days_and_revisions(contexts)
        _are_of_the_same_texts(made[CORE], made[SHORT])
        in_order = await path.fetch("SELECT event_id FROM joint_embedding_revisions ORDER BY sequence")
        assert [row["event_id"] for row in in_order] == [context.event_id for context in await published(path)]
        windows = await path.fetch(
            "SELECT model_id, count(*) AS windows FROM numeric_window_embeddings GROUP BY model_id"
        )
        assert dict(windows)["num-short"] > dict(windows)["num-regime-core-v1"] > 0
        before = await dump(path)
    async with emptied.pipeline(**both(tmp_path)) as path:
        await replay(path.services, ALL, Counted())
        after = await dump(path)
        for table in TABLES:
            assert after[table] == before[table], table


def _are_of_the_same_texts(core: list[JointRegimeContext], short: list[JointRegimeContext]) -> None:
    """Where core's vector holds half the texts' mean alone, the scaled one holds the same mean, centred and scaled."""
    texts = decoded(WEIGHTS.read_bytes()).text.scaling()
    place = 3 * WINDOW_DAYS
    of_core, of_short = ({c.as_of: c.vector for c in contexts} for contexts in (core, short))
    of_articles = {c.as_of: c.articles for c in core}
    assert len(set(of_articles.values())) > 1
    for day in DAYS:
        one, other = of_core[day], of_short[day]
        assert one is not None
        assert other is not None
        articles = np.array([of_articles[day]])
        expected = 3 * (2 * one.numpy() - texts.mean) / texts.scales(articles)
        np.testing.assert_allclose(other.numpy()[place:], expected[place:], rtol=1e-4, atol=1e-5)
        assert np.abs(other.numpy()[:place] - expected[:place]).max() > 1


async def test_a_model_that_is_added_later_has_no_contexts_until_a_replay_fills_them_in(
    place: Place, emptied: Place, model: QuickModel, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO)
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        lived = (await by_model(path))[CORE]
    async with place.pipeline(**both(tmp_path)) as path:
        path.start("prices", "news", "contexts")
        late = article("later", at(DAYS[-1], 18), "Later than the model.")
        await path.send(late)
        await settled(path)
        await path.stop()
        assert f"3 days were computed without {SHORT}: `stream-app replay` computes it for them" in caplog.messages
        made = await by_model(path)
        assert days_and_revisions(made[CORE])[:-1] == days_and_revisions(lived)
        assert days_and_revisions(made[SHORT]) == [(DAYS[-1], 1)]
        filled = await replay(path.services, ALL, Counted())
        assert isinstance(filled, Compared)
        assert [(change.as_of, change.why) for change in filled.changed] == [
            (day, (f"there was none of {SHORT}",)) for day in DAYS[:-1]
        ]
        again = await by_model(path)
        assert again[CORE] == made[CORE]
        assert days_and_revisions(again[SHORT]) == [(day, 1) for day in DAYS]
        assert {c.event_id for c in await published(path)} == {c.event_id for each in again.values() for c in each}
    async with emptied.pipeline(**both(tmp_path)) as path:
        await replay(path.services, ALL, Counted())
        assert {name: newest(contexts) for name, contexts in (await by_model(path)).items()} == {
            name: newest(contexts) for name, contexts in again.items()
        }


async def test_a_database_of_the_older_scaled_model_gains_the_newer_one_by_the_default_settings(
    place: Place, model: QuickModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rows = weekdays(DAYS[-1], 70)
    async with place.pipeline(joint_models=(CORE, OLDER)) as path, stepping(path, model) as steps:
        await path.send(*[close("SPX.US", row, 1000.0 + index % 7) for index, row in enumerate(rows)])
        await path.send(*[article(f"{day}", at(day, 14), f"News of {day}.") for day in DAYS])
        await path.send(*[article(f"{hour}", at(DAYS[0], hour), f"More at {hour}.") for hour in (15, 16, 17)])
        await steps.apply()
        await path.close("US", *DAYS[:-1])
        await steps.compute()
        lived = await by_model(path)
        assert days_and_revisions(lived[OLDER]) == [(day, 1) for day in DAYS[:-1]]
    async with place.pipeline(joint_models=DEFAULT, compute_poll_seconds=0.1) as path:
        path.start("news", "contexts")
        await path.close("US", DAYS[-1])
        await path.revision("US", DAYS[-1])
        await settled(path)
        await path.stop()
        assert f"2 days were computed without {NEWER}: `stream-app replay` computes it for them" in caplog.messages
        assert f"contexts of {OLDER} stay as they are: to go on with them, name it in joint_models" in caplog.messages
        assert not [message for message in caplog.messages if f"contexts of {CORE} stay" in message]
        await replay(path.services, ALL, Counted())
        made = await by_model(path)
        assert days_and_revisions(made[CORE]) == days_and_revisions(made[NEWER]) == [(day, 1) for day in DAYS]
        assert (made[OLDER], made[CORE][:2]) == (lived[OLDER], lived[CORE])
        norms = [float(np.linalg.norm(c.vector.numpy())) for c in made[NEWER] if c.vector is not None]
        assert ([c.articles for c in made[NEWER]], len(norms)) == ([4, 1, 1], 3)
        assert all(1 < norm < 30 for norm in norms)


async def test_weights_that_were_fitted_on_texts_of_another_model_join_none(place: Place, model: QuickModel) -> None:
    model.fingerprint = "another"
    told = f"^The weights of {NEWER} were fitted on vectors of text-fin-general-v1 as it was then, not as it is now"
    async with place.pipeline(joint_models=(CORE, NEWER)) as path, stepping(path, model):
        with pytest.raises(Fatal, match=told):
            await register_models(path.services)
    async with place.pipeline(joint_models=(CORE,)) as path:
        assert await register_models(path.services) is not None


LONG, LONG_DAYS = "joint-long", 8
LONGER = f"""
[models.num-long]
kind = "numeric"
algorithm = "raw-path"
window_days = {LONG_DAYS}

[models.{LONG}]
kind = "joint"
algorithm = "average"
inputs = ["num-long", "text-fin-general-v1"]
"""


async def test_contexts_of_other_inputs_are_not_made_under_the_same_id(place: Place, model: QuickModel) -> None:
    longer: dict[str, Any] = {**LIVE, "more_models": LONGER, "joint_models": (CORE, LONG)}
    async with place.pipeline(**longer) as path, stepping(path, model) as steps:
        await path.send(*[close("SPX.US", row, 1000.0) for row in weekdays(DAYS[-1], 8)])
        await path.send(article("news", at(DAYS[-1], 14), "News."))
        await steps.apply()
        await path.close("US", DAYS[-1])
        await steps.compute()
    of_others = longer | {"more_models": LONGER.replace('inputs = ["num-long"', 'inputs = ["num-regime-core-v1"')}
    told = f"^The contexts of {LONG} in this database are made of num-long and text-fin-general-v1, not of num-regime-"
    async with place.pipeline(**of_others) as path:
        with pytest.raises(Fatal, match=told):
            await register_models(path.services)


async def test_a_price_that_reached_no_window_when_it_came_amends_the_longer_windows_of_a_model_that_is_added_later(
    place: Place, model: QuickModel
) -> None:
    rows, day = weekdays(DAYS[-1], LONG_DAYS), DAYS[-1]
    async with place.pipeline(**LIVE) as path, stepping(path, model) as steps:
        await path.send(*[close("SPX.US", row, 1000.0) for row in rows], article("news", at(day, 14), "News."))
        await steps.apply()
        await path.close("US", day)
        await steps.compute()
        await path.send(close("SPX.US", rows[0], 2000.0))
        await steps.apply()
        await steps.close_and_compute()
        assert days_and_revisions((await by_model(path))[CORE]) == [(day, 1)]
    added = {**LIVE, "more_models": LONGER, "joint_models": (CORE, LONG)}
    async with place.pipeline(**added) as path, stepping(path, model) as steps:
        await replay(path.services, ALL, Counted())
        await steps.close_and_compute()
        await steps.compute()
        made = await by_model(path)
        assert days_and_revisions(made[CORE]) == [(day, 1)]
        assert days_and_revisions(made[LONG]) == [(day, 1), (day, 2)]
        first_closes = [context.vector.numpy()[0] for context in made[LONG] if context.vector is not None]
        assert first_closes[1] - first_closes[0] == pytest.approx(500)
