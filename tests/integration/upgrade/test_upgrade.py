"""A database and a log of an older release are opened by this one, which goes on where the older one stopped."""

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pytest

from schemas.topics import CONTEXTS_LATEST, DEAD_LETTERS, NEWS, PRICES, TOPICS, TRANSITIONS
from stream_app.clock import FixedClock
from stream_app.replay.over_stored import Compared
from stream_app.replay.run import Asked, replay
from stream_app.store.trigger_queue import EVERY_DAY
from tests.faults import spaces
from tests.faults.checker import check
from tests.faults.context_checks import newest_tables
from tests.faults.observed import STAGE_TOPICS, Observed, observe
from tests.faults.oracle import Oracle
from tests.faults.settled import settled
from tests.integration.cli.conftest import CommandLine
from tests.integration.pipeline import Pipeline, Place, until
from tests.integration.replay.shown import Counted
from tests.integration.text_models import QuickModel
from tests.integration.upgrade.dump import Dump, LogRecord
from tests.integration.upgrade.history import (
    FRIDAY,
    OPEN,
    OPEN_DAY_OVER,
    SETTINGS,
    STOPPED_AT,
    TUESDAY,
    WAITING,
    news,
    prices,
)
from tests.models_file import CORE, DEFAULT, SCALED

SHOW = "stream_app.scripts.show_joint_regime_context"
REVISIONS = "SELECT region, as_of_date, revision, model_id, payload FROM joint_embedding_revisions ORDER BY sequence"
OUTPUTS = {topic.name for topic in TOPICS} - {PRICES.name, NEWS.name}
"""Topics whose events have an id."""


def test_the_contexts_are_shown_as_the_older_release_showed_them(command_line: CommandLine, dump: Dump) -> None:
    assert command_line.run("db upgrade").returncode == 0
    assert "is up to date" in command_line.run("db status").stdout
    shown = command_line.run("", module=SHOW)
    assert (shown.returncode, shown.stderr) == (0, "")
    was, now = _without_norms(dump.shown.read_text(encoding="utf-8")), _without_norms(shown.stdout)
    assert now[0] == was[0]
    # 0.1.0 took the norm of a dot product in float32, whose last digits differ with the processor.
    assert now[1] == pytest.approx(was[1], rel=2 * float(np.finfo(np.float32).eps))


def _without_norms(shown: str) -> tuple[list[str], list[float]]:
    """The lines without their last field, and that field below the header."""
    lines = [line.rpartition(",") for line in shown.splitlines()]
    return [line for line, _, _ in lines], [float(norm) for _, _, norm in lines[1:]]


async def test_a_worker_goes_on_where_the_older_release_stopped_and_gains_the_joint_models_that_are_new(
    upgraded: Place, dump: Dump, model: QuickModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = FixedClock(STOPPED_AT)
    models: dict[str, Any] = {"joint_models": DEFAULT, "scaled_on": model.fingerprint}
    async with upgraded.pipeline(clock=clock, regions=dump.regions, **models, **SETTINGS) as path:
        before = [tuple(row) for row in await path.fetch(REVISIONS)]
        path.start(*STAGE_TOPICS)
        await _finish_what_was_begun(path)
        await _live_the_open_day(path, clock)
        await path.stop()

        after = [tuple(row) for row in await path.fetch(REVISIONS)]
        assert after[: len(before)] == before
        made = {(*key, model_id) for *key, model_id, _ in after[len(before) :]}
        new_days = {("US", WAITING, 1), ("US", OPEN, 1), ("JP", OPEN, 1)}
        late = {of: {("US", FRIDAY, revision), ("JP", FRIDAY, revision)} for of, revision in ((CORE, 3), (SCALED, 1))}
        assert made == {(*key, of) for of in DEFAULT for key in new_days | late[of]}
        days = {(region, day) for region, day, *_ in after}
        lacking = days - {(region, day) for region, day, *_ in made}
        assert f"were computed without {SCALED}: `stream-app replay` computes it for them" in caplog.text
        assert not [record.getMessage() for record in caplog.records if _complains(record)]
        again = await replay(path.services, Asked((), EVERY_DAY, None), Counted())
        assert isinstance(again, Compared)
        assert again.days == len(days)
        assert {(change.region, change.as_of) for change in again.changed} == lacking
        assert {(change.model_id, change.is_first) for change in again.changed} == {(SCALED, True)}
        await until(partial(settled, path), "what the replay made is published")
        _nothing_is_published_again(dump.log(), await _log(path))
        assert sorted(model.encoded) == sorted(_texts(OPEN) - _texts(TUESDAY))
        _holds(await observe(path))


def _holds(observed: Observed) -> None:
    """Every invariant holds of the older release's joint model, and of the newer one's newest contexts.

    Of what was said of a day before the newer one came it says nothing: each day has one revision.
    """
    of_scaled = [replace(each, revision=1) for each in Oracle(observed, spaces.SCALED).revisions()]
    assert [*newest_tables(observed, spaces.SCALED, of_scaled)] == []
    observed.tables["models"] = [row for row in observed.tables["models"] if row["model_id"] != SCALED]
    check(observed)


def _texts(day: dt.date) -> set[str]:
    """What a day's articles say; those of one Tuesday and the next have a text in common."""
    return {article.text for article in news(day)[1:]}


def _complains(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING and record.name.startswith(("stream_app", "agents"))


async def _finish_what_was_begun(path: Pipeline) -> None:
    """The trigger that waited for prices is computed, and the day that had late news amended."""
    await path.revision("US", WAITING)
    await path.revision("US", FRIDAY, 3)
    await path.revision("JP", FRIDAY, 3)
    await until(partial(settled, path), "what the older release had begun is finished")


async def _live_the_open_day(path: Pipeline, clock: FixedClock) -> None:
    """The rest of its news and its prices come, and the timer closes it."""
    await path.send(*prices(OPEN, OPEN), *news(OPEN)[1:])
    await path.applied()
    clock.time = OPEN_DAY_OVER
    await path.revision("US", OPEN)
    await path.revision("JP", OPEN)
    await until(partial(settled, path), "the open day is closed")


async def _log(path: Pipeline) -> list[LogRecord]:
    return [LogRecord.of(topic.name, record) for topic in TOPICS for record in await path.read(topic.name)]


def _nothing_is_published_again(old: list[LogRecord], now: list[LogRecord]) -> None:
    """The old records stand where they stood, and no new one carries an old event.

    Of a compacted topic the broker may have taken away those that have a newer one of their key: that is so once the
    dump is a week old.
    """
    keys = {(record.topic, record.key) for record in now}
    assert {record for record in old if record.topic != CONTEXTS_LATEST.name} <= set(now)
    assert {(record.topic, record.key) for record in old} <= keys
    new = set(now) - set(old)
    assert not _events(old) & _events(new)
    assert {record.topic for record in new} >= OUTPUTS - {DEAD_LETTERS.name, TRANSITIONS.name}


def _events(records: Iterable[LogRecord]) -> set[str]:
    values = [record.value_bytes or b"" for record in records if record.topic in OUTPUTS]
    return {msgspec.json.decode(value)["event_id"] for value in values}
