"""What `stream_app.client` gives is what the database and the topic hold: each context once, resumed where it was."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import SecretStr

from schemas import JointRegimeContext
from schemas.topics import CONTEXTS
from stream_app import client
from stream_app.client import Received
from stream_app.config import Settings
from stream_app.errors import Fatal, UsageError
from tests.integration.pipeline import Pipeline, Place
from tests.integration.positions.history import DAYS, SETTINGS, amended, live, prices
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

BEFORE_ALL = DAYS[0] - dt.timedelta(days=30)


@pytest.fixture
async def path(place: Place) -> AsyncIterator[Pipeline]:
    """Topics and a database."""
    async with place.pipeline(**SETTINGS) as made:
        yield made


@pytest.fixture
async def steps(path: Pipeline, model: QuickModel) -> AsyncIterator[Steps]:
    """Three days are closed, and each has its context."""
    async with stepping(path, model) as made:
        await live(path, made)
        yield made


@pytest.fixture
def settings(path: Pipeline) -> Settings:
    """As a user of the client has them."""
    services = path.endpoints
    return path.settings.model_copy(
        update={"kafka_url": services.kafka.servers, "database_url": SecretStr(services.database_url)}
    )


async def amend(path: Pipeline, steps: Steps, change: float) -> None:
    """Correct a price, and let the days that it touches be computed again."""
    await path.send(*prices(change)[-2:])
    await amended(steps)


async def take(
    settings: Settings, count: int, after: str | None = None, regions: list[str] | None = None
) -> list[Received]:
    """The first contexts of a subscription, from the start or after a position."""
    found = []
    async with aclosing(
        client.subscribe(regions, after=after, from_start=after is None, settings=settings)
    ) as subscription:
        async for received in subscription:
            found.append(received)
            if len(found) == count:
                break
    return found


def told(received: list[Received]) -> list[tuple[dt.date, int]]:
    """Which contexts they are."""
    return [(each.context.as_of, each.context.revision) for each in received]


async def of_core(path: Pipeline, settings: Settings) -> list[JointRegimeContext]:
    """The stored revisions of the model that is asked for where none is named."""
    return [each for each in await path.revisions("US", *DAYS) if each.model_id == settings.joint_models[0]]


async def test_a_regions_days_are_a_frame_and_a_matrix_also_where_an_event_loop_runs(
    path: Pipeline, steps: Steps, settings: Settings
) -> None:
    await amend(path, steps, 1.0)
    newest = {context.as_of: context for context in await of_core(path, settings)}
    found = client.contexts("US", DAYS[0], str(DAYS[-1]), settings=settings)
    assert list(found.frame.index) == [pd.Timestamp(day) for day in DAYS]
    assert list(found.frame["revision"]) == [newest[day].revision for day in DAYS]
    assert set(found.frame["revision"]) == {1, 2}, "a day was amended and another was not"
    assert found.vectors.dtype == np.float32
    for row, day in zip(found.vectors, DAYS, strict=True):
        vector = newest[day].vector
        assert vector is not None
        np.testing.assert_array_equal(row, vector.numpy())
    assert found.frame["known_at"].dt.tz is not None
    assert settings.joint_models[0] in found.fingerprints
    assert len(client.contexts("US", DAYS[1], DAYS[1], settings=settings)) == 1


async def test_as_of_an_instant_there_is_what_was_known_then(path: Pipeline, steps: Steps, settings: Settings) -> None:
    known_at = max(context.known_at for context in await of_core(path, settings))
    before = client.contexts("US", settings=settings)
    await amend(path, steps, 1.0)
    now, then = client.contexts("US", settings=settings), client.contexts("US", known_at=known_at, settings=settings)
    pd.testing.assert_frame_equal(then.frame, before.frame)
    np.testing.assert_array_equal(then.vectors, before.vectors)
    assert list(now.frame["revision"]) != list(then.frame["revision"])


async def test_a_day_without_a_vector_is_a_row_of_nan_where_it_is_asked_for(
    path: Pipeline, steps: Steps, settings: Settings
) -> None:
    await path.close("US", BEFORE_ALL, force=True)
    await steps.compute()
    assert len(client.contexts("US", settings=settings)) == len(DAYS)
    found = client.contexts("US", absent=True, settings=settings)
    assert found.frame["absent_reason"].iloc[0]
    assert np.isnan(found.vectors[0]).all()
    assert not np.isnan(found.vectors[1:]).any()


async def test_a_region_of_days_that_are_stored_is_known_without_the_regions_file(
    steps: Steps, settings: Settings, tmp_path: Path
) -> None:
    others = tmp_path / "regions.toml"
    others.write_text('[regions.UK]\ncalendar = "XLON"\ninstruments = ["FTSE.UK"]\n')
    assert len(client.contexts("US", end=BEFORE_ALL, settings=settings.model_copy(update={"regions": others}))) == 0


async def test_what_cannot_be_asked_is_refused_in_a_sentence(path: Pipeline, settings: Settings) -> None:
    assert len(client.contexts("US", settings=settings)) == 0
    refused: dict[str, tuple[Any, ...]] = {
        "There is no region 'us'": ("us",),
        "is after end": ("US", "2008-09-15", "2008-09-01"),
        "start: '15/9/2008' is not of the form": ("US", "15/9/2008"),
        "has no offset": ("US", None, None, "2008-09-15T20:00:00"),
        "no offset": ("US", None, None, dt.datetime(2008, 9, 15)),  # noqa: DTZ001 - that is the point
        r"region: \['US', 'EU'\] is not one name": (["US", "EU"],),
        r"region: 'U\\x00S' is not one name": ("U\0S",),
        "start: 20080901 is no date": ("US", 20080901),
        "start: NaT is no date": ("US", pd.NaT),
        "end: nan is no date": ("US", None, float("nan")),
        "known_at: .* is no instant": ("US", None, None, dt.date(2008, 9, 15)),
    }
    for sentence, arguments in refused.items():
        with pytest.raises(UsageError, match=sentence):
            client.contexts(*arguments, settings=settings)
    with pytest.raises(UsageError, match="There is no joint model 'nope'"):
        client.contexts("US", model_id="nope", settings=settings)
    odd: list[dict[str, Any]] = [{"after": "nowhere"}, {"after": "1:0=0", "from_start": True}, {"regions": "US"}]
    for chosen in odd:
        with pytest.raises(UsageError):
            await anext(client.subscribe(settings=settings, **chosen))


async def test_each_context_comes_once_whatever_is_published_again_and_after_a_position_none_that_came_before(
    path: Pipeline, steps: Steps, settings: Settings
) -> None:
    records = await path.read(CONTEXTS.name)
    published = [(record.partition, record.key, record.value) for record in records]
    first = await take(settings, 3, regions=["US"])
    assert told(first) == [(day, 1) for day in DAYS]
    for received, context in zip(first, await of_core(path, settings), strict=True):
        assert received.context == context
        assert received.vector is not None
    for partition, key, value in published:
        await path.send_raw(CONTEXTS.name, partition, (key, value))
    await amend(path, steps, 1.0)
    changed = [(context.as_of, 2) for context in await of_core(path, settings) if context.revision == 2]
    assert changed
    assert told(await take(settings, 3 + len(changed))) == [(day, 1) for day in DAYS] + changed
    assert told(await take(settings, 1 + len(changed), after=first[1].position)) == [(DAYS[2], 1), *changed]
    resumed = await take(settings, len(changed), after=first[2].position)
    assert told(resumed) == changed
    for partition, key, value in published:
        await path.send_raw(CONTEXTS.name, partition, (key, value))
    await amend(path, steps, 2.0)
    assert told(await take(settings, 1, after=resumed[-1].position)) == [(changed[0][0], 3)]


async def test_a_position_outside_of_the_topic_is_refused(path: Pipeline, steps: Steps, settings: Settings) -> None:
    for position, why in {"1:0=99": "99 is not there", "1:77=0": "no partition 77"}.items():
        with pytest.raises(Fatal, match=f"{why}.*from_start"):
            await take(settings, 1, after=position)


async def test_what_a_newer_release_wrote_is_not_passed_over(path: Pipeline, steps: Steps, settings: Settings) -> None:
    await path.send_raw(CONTEXTS.name, 0, (b"US|2030-01-01|m|1", b'{"schema_version": 99}'))
    with pytest.raises(Fatal, match=r"this release cannot read .*schema_version is 99"):
        await take(settings, 100)
