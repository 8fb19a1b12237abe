"""A database and a log of an older release are opened by this one, which goes on where the older one stopped."""

import datetime as dt
import logging
from collections.abc import Iterable
from functools import partial

import msgspec
import numpy as np
import pytest

from schemas.topics import DEAD_LETTERS, NEWS, PRICES, TOPICS, TRANSITIONS
from stream_app.clock import FixedClock
from stream_app.replay.over_stored import Compared
from stream_app.replay.run import Asked, replay
from stream_app.store.trigger_queue import EVERY_DAY
from tests.faults.checker import check
from tests.faults.observed import STAGE_TOPICS, observe
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

SHOW = "stream_app.scripts.show_joint_regime_context"
REVISIONS = "SELECT region, as_of_date, revision, payload FROM joint_embedding_revisions ORDER BY sequence"
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


async def test_a_worker_goes_on_where_the_older_release_stopped(
    upgraded: Place, dump: Dump, model: QuickModel, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FixedClock(STOPPED_AT)
    async with upgraded.pipeline(clock=clock, regions=dump.regions, **SETTINGS) as path:
        before = [tuple(row) for row in await path.fetch(REVISIONS)]
        path.start(*STAGE_TOPICS)
        await _finish_what_was_begun(path)
        await _live_the_open_day(path, clock)
        await path.stop()

        after = [tuple(row) for row in await path.fetch(REVISIONS)]
        assert after[: len(before)] == before
        made = {(region, day, revision) for region, day, revision, _ in after[len(before) :]}
        late = {("US", FRIDAY, 3), ("JP", FRIDAY, 3)}
        assert made == late | {("US", WAITING, 1), ("US", OPEN, 1), ("JP", OPEN, 1)}
        assert not [record.getMessage() for record in caplog.records if _complains(record)]
        again = await replay(path.services, Asked((), EVERY_DAY, None), Counted())
        assert isinstance(again, Compared)
        assert (again.days, again.changed) == (len({key[:2] for key in after}), [])
        _nothing_is_published_again(dump.log(), await _log(path))
        assert sorted(model.encoded) == sorted(_texts(OPEN) - _texts(TUESDAY))
        check(await observe(path))


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
    """The old records stand where they stood, and no new one carries an old event."""
    assert set(old) <= set(now)
    new = set(now) - set(old)
    assert not _events(old) & _events(new)
    assert {record.topic for record in new} >= OUTPUTS - {DEAD_LETTERS.name, TRANSITIONS.name}


def _events(records: Iterable[LogRecord]) -> set[str]:
    values = [record.value_bytes or b"" for record in records if record.topic in OUTPUTS]
    return {msgspec.json.decode(value)["event_id"] for value in values}
