"""Fitted regimes on the whole path: labels, transitions, what a correction takes back, and replay."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from schemas import DIM, RegimeTransition
from schemas.topics import TRANSITIONS
from stream_app.clock import FixedClock
from stream_app.labelling import file
from stream_app.regime import numeric
from stream_app.regime.labels import Prototypes
from stream_app.replay.over_stored import Publish
from stream_app.replay.run import Asked, replay
from stream_app.store.trigger_queue import EVERY_DAY
from tests.integration.lived import dump
from tests.integration.pipeline import Pipeline, Place, article, close
from tests.integration.replay.shown import Counted
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

WINDOW_DAYS = 5
CONFIRM, HISTORY = 2, 8
CALM, CRISIS = 1000.0, 500.0
VOLUME = 1e6
LABELLER = "regimes-test-v1"
LAST = dt.date(2008, 9, 15)
SESSIONS, CLOSED = 24, 10
FALL = SESSIONS - CLOSED
"""The first session of the low closes; the windows are nearer to the crisis when 3 of their 5 rows are low."""
CHANGE = FALL + 2 + CONFIRM - 1
TABLES = ("joint_embedding_revisions", "regimes", "regime_transitions", "regime_transition_revisions", "models")


def path_of(price: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The core vector of a window at one price."""
    vector = np.zeros(DIM)
    vector[: 3 * WINDOW_DAYS : 3], vector[1 : 3 * WINDOW_DAYS : 3] = price, VOLUME
    return vector


@pytest.fixture
def fitted(tmp_path: Path) -> str:
    """A labeller of the core model's vectors, as a table of a models file."""
    points = Prototypes(np.stack([path_of(CALM), path_of(CRISIS)]), np.arange(2), "euclidean", 1e5)
    path = tmp_path / "regimes.json"
    of_numeric = (numeric.MODEL_ID, numeric.fingerprint(WINDOW_DAYS))
    path.write_bytes(file.encoded(file.file_of(("CALM", "CRISIS"), points, *of_numeric)))
    return (
        f'[models."{LABELLER}"]\nkind = "regimes"\nalgorithm = "prototypes"\ninputs = ["{numeric.MODEL_ID}"]\n'
        f'weights = "{path}"\nconfirm_sessions = {CONFIRM}\nhistory_sessions = {HISTORY}\n'
    )


@asynccontextmanager
async def stepped(place: Place, model: QuickModel, fitted: str) -> AsyncIterator[tuple[Pipeline, Steps]]:
    """The path with the labeller, nothing sent yet."""
    clock = FixedClock(dt.datetime(2008, 9, 15, 23, 0, tzinfo=dt.UTC))
    settings: dict[str, Any] = {"window_days": WINDOW_DAYS, "more_models": fitted, "amend_interval_seconds": 0}
    async with place.pipeline(clock=clock, **settings) as path, stepping(path, model) as steps:
        yield path, steps


def sessions(path: Pipeline) -> list[dt.date]:
    return path.services.calendar_of("US").sessions_between(dt.date(2008, 7, 1), LAST)[-SESSIONS:]


async def close_days(path: Pipeline, steps: Steps) -> list[dt.date]:
    """Calm, then a crisis, of which every day is closed; all sessions."""
    days = sessions(path)
    prices = [CALM] * FALL + [CRISIS] * CLOSED
    await path.send(*[close("SPX.US", day, price, VOLUME) for day, price in zip(days, prices, strict=True)])
    noon = [dt.datetime.combine(day, dt.time(12), dt.UTC) for day in days[FALL:]]
    await path.send(*[article(f"n{at:%d}", at, f"News of {at:%d}.") for at in noon])
    await steps.apply()
    await path.close("US", *days[FALL:])
    await steps.compute()
    return days


async def correct(path: Pipeline, steps: Steps, days: list[dt.date], price: float) -> None:
    """Correct the closes of days, and let the closer amend what they touch."""
    await path.send(*[close("SPX.US", day, price, VOLUME) for day in days])
    await steps.apply()
    await steps.close_and_compute()
    await steps.close_and_compute()


async def events(path: Pipeline) -> list[RegimeTransition]:
    records = await path.read(TRANSITIONS.name)
    return [msgspec.json.decode(record.value, type=RegimeTransition) for record in records]


async def labels(path: Pipeline) -> list[str]:
    return [row[0] for row in await path.fetch("SELECT regime_label FROM regimes ORDER BY as_of_date")]


async def test_a_crisis_after_calm_is_one_transition_and_a_correction_takes_it_back(
    place: Place, emptied: Place, model: QuickModel, fitted: str
) -> None:
    async with stepped(place, model, fitted) as (path, steps):
        days = await close_days(path, steps)
        calm_days = CHANGE - FALL
        assert await labels(path) == ["CALM"] * calm_days + ["CRISIS"] * (CLOSED - calm_days)
        contexts = await path.revisions("US", *days)
        assert [each.regime_label for each in contexts] == await labels(path)
        assert all(each.regime_confidence is not None and 0 < each.regime_confidence <= 1 for each in contexts)
        labeller = (LABELLER, path.services.models.regimes[0].fingerprint)
        assert {(each.regimes_model_id, each.regimes_fingerprint) for each in contexts} == {labeller}
        of_rows = await path.fetch("SELECT DISTINCT regimes_model_id, regimes_fingerprint FROM regimes")
        assert [tuple(row) for row in of_rows] == [labeller]
        of_changes = await path.fetch("SELECT model_id, fingerprint FROM regime_transitions")
        assert [tuple(row) for row in of_changes] == [labeller]

        rows = await path.fetch("SELECT region, model_id, as_of_date, from_label, to_label FROM regime_transitions")
        assert [tuple(row) for row in rows] == [("US", LABELLER, days[CHANGE], "CALM", "CRISIS")]
        (first,) = await events(path)
        assert (first.as_of, first.from_label, first.to_label, first.withdrawn) == (
            days[CHANGE],
            "CALM",
            "CRISIS",
            False,
        )
        assert (first.revision, first.numeric_model_id) == (1, numeric.MODEL_ID)
        assert (first.model_id, first.fingerprint) == labeller

        await correct(path, steps, days[FALL:], CALM)
        assert await labels(path) == ["CALM"] * CLOSED
        assert await path.fetch("SELECT 1 FROM regime_transitions") == []
        assert [(each.as_of, each.revision, each.withdrawn) for each in await events(path)] == [
            (days[CHANGE], 1, False),
            (days[CHANGE], 2, True),
        ]

        await correct(path, steps, days[FALL:], CRISIS)
        assert [row[0] for row in await path.fetch("SELECT revision FROM regime_transitions")] == [3]
        assert len(await events(path)) == len({each.event_id for each in await events(path)}) == 3
        assert await path.value("SELECT count(*) FROM regime_transition_revisions WHERE NOT published") == 0
        before, sent = await dump(path, TABLES), len(await events(path))

        again = await replay(path.services, Asked((), EVERY_DAY, Publish.CHANGED), Counted())
        assert (len(getattr(again, "changed")), await dump(path, TABLES)) == (0, before)  # noqa: B009
    async with stepped(emptied, model, fitted) as (path, _):
        await replay(path.services, Asked((), EVERY_DAY, None), Counted())
        assert await dump(path, TABLES) == before
        assert len(await events(path)) == sent


async def test_a_correction_amends_the_later_days_whose_label_hangs_on_it_though_their_window_does_not_hold_it(
    place: Place, model: QuickModel, fitted: str
) -> None:
    async with stepped(place, model, fitted) as (path, steps):
        days = await close_days(path, steps)
        before = await dump(path, ("regimes",))
        await correct(path, steps, [days[FALL]], CALM)
        changed = [row["as_of_date"] for row in await path.fetch("SELECT as_of_date FROM regime_transitions")]
        assert changed == [days[CHANGE + 1]], "one low close fewer moves the change by a session"
        hanging = set(days[FALL:])
        amended = {row["as_of"] for row in await path.fetch("SELECT as_of FROM day_triggers WHERE number > 1")}
        assert hanging <= amended
        assert await dump(path, ("regimes",)) != before


KNOWN = """
    SELECT count(*) FROM regime_transition_revisions
    WHERE known_at <= $1 AND (created_at <= $1 OR NOT recomputed)
"""


async def test_a_transition_that_a_replay_made_of_stored_days_was_not_known_before_the_replay(
    place: Place, emptied: Place, model: QuickModel, fitted: str
) -> None:
    async with stepped(place, model, "") as (path, steps):
        days = await close_days(path, steps)
        before = await path.value("SELECT clock_timestamp()")
    async with stepped(place, model, fitted) as (path, steps):
        again = await replay(path.services, Asked((), EVERY_DAY, None), Counted())
        assert {change.why for change in getattr(again, "changed")} == {(f"the regimes none -> {LABELLER}",)}  # noqa: B009
        rows = await path.fetch("SELECT as_of_date, recomputed FROM regime_transition_revisions")
        assert [tuple(row) for row in rows] == [(days[CHANGE], True)]
        assert await path.value("SELECT max(known_at) FROM regime_transition_revisions") <= before
        assert await path.value(KNOWN, before) == 0
        assert await path.value(KNOWN, await path.value("SELECT clock_timestamp()")) == 1
        await correct(path, steps, days[FALL:], CALM)
        recomputed = await path.fetch("SELECT recomputed FROM regime_transition_revisions ORDER BY revision")
        assert [row[0] for row in recomputed] == [True, False]
    async with stepped(emptied, model, fitted) as (path, _):
        await replay(path.services, Asked((), EVERY_DAY, None), Counted())
        assert await path.value("SELECT count(*) FROM regime_transition_revisions WHERE recomputed") == 0


async def test_without_fitted_regimes_days_stay_neutral_and_nothing_changes(place: Place, model: QuickModel) -> None:
    async with stepped(place, model, "") as (path, steps):
        await close_days(path, steps)
        assert await labels(path) == ["NEUTRAL"] * CLOSED
        assert [row[0] for row in await path.fetch("SELECT DISTINCT confidence FROM regimes")] == [1.0]
        of_rows = await path.fetch("SELECT DISTINCT regimes_model_id, regimes_fingerprint FROM regimes")
        assert [tuple(row) for row in of_rows] == [(None, None)]
        assert await path.value("SELECT count(*) FROM regime_transition_revisions") == 0
        assert await events(path) == []
