"""Replay of the log into an empty database gives what the live run left, to the byte, and publishes nothing."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace as with_changed
from typing import Any

import pytest

from agents.stage import Stage
from schemas.topics import DEAD_LETTERS, TOPICS
from stream_app.embedded import Endpoints
from stream_app.errors import Away, UsageError
from stream_app.kafka.chunks import Chunk
from stream_app.kafka.producing import Outgoing
from stream_app.replay.from_log import Filled, LogReplay, Withheld
from stream_app.replay.over_stored import Publish
from stream_app.replay.run import Asked, replay
from stream_app.store import revisions, trigger_queue
from stream_app.store.trigger_queue import EVERY_DAY, Days
from stream_app.worker import run_stage
from tests.faults.observed import STAGE_TOPICS
from tests.integration.lived import DAYS, LIVE, TABLES, dump, live_run, settled
from tests.integration.pipeline import Pipeline, Place
from tests.integration.replay.shown import Counted
from tests.integration.text_models import QuickModel

ALL = Asked((), EVERY_DAY, None)


async def topics(path: Pipeline) -> dict[str, tuple[int, ...]]:
    """The ends of all topics."""
    return {topic.name: await path.services.log.end_offsets(path.services.topic(topic.name)) for topic in TOPICS}


async def test_replay_into_an_empty_database_leaves_what_live_left_and_publishes_nothing(
    place: Place, emptied: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        before, ends, encoded = await dump(path), await topics(path), len(model.encoded)
    async with emptied.pipeline(**LIVE) as path:
        counted = Counted()
        filled = await replay(path.services, ALL, counted)
        assert isinstance(filled, Filled)
        after = await dump(path)
        for table in TABLES:
            assert before[table], f"{table} must hold something to compare"
            assert after[table] == before[table], table
        assert (filled.encoded, len(model.encoded)) == (0, encoded)
        assert filled.contexts == len(after["joint_embedding_revisions"])
        assert filled.waiting == {}
        assert counted.done == counted.totals == {"records": filled.records, "days": len(after["day_triggers"])}
        assert await path.value("SELECT count(*) FROM joint_embedding_revisions WHERE NOT published") == 0
        path.start("prices", "news", "contexts")
        await settled(path)
        await path.stop()
        assert await topics(path) == ends
        assert await dump(path) == before


async def test_a_replay_that_was_stopped_goes_on_where_it_was_and_no_worker_may_go_between(
    place: Place, emptied: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        before = await dump(path)
    async with emptied.pipeline(**LIVE, chunk_records=1) as path:
        handle, handled = Stage.handle, 0

        async def stop_at_the_tenth(stage: Stage, chunk: Chunk) -> None:
            nonlocal handled
            handled += 1
            if handled == 10:
                raise asyncio.CancelledError
            await handle(stage, chunk)

        monkeypatch.setattr(Stage, "handle", stop_at_the_tenth)
        with pytest.raises(asyncio.CancelledError):
            await replay(path.services, ALL, Counted())
        with pytest.raises(UsageError, match=r"^The replay that was stopped here publishes nothing"):
            await replay(path.services, Asked((), EVERY_DAY, Publish.ALL), Counted())
        with pytest.raises(UsageError, match=r"^A replay into this database has not finished"):
            await run_stage(path.settings, Endpoints(place.endpoints.kafka, emptied.database_url), "prices")
        monkeypatch.setattr(Stage, "handle", handle)
        counted = Counted()
        filled = await replay(path.services, ALL, counted)
        assert isinstance(filled, Filled)
        on_the_log = sum(sum(ends) for name, ends in (await topics(path)).items() if name in STAGE_TOPICS.values())
        assert 0 < filled.records < on_the_log
        assert await dump(path) == before


async def test_what_a_killed_replay_has_stored_and_not_yet_counted_as_sent_is_not_left_to_a_worker(
    place: Place, emptied: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        before = await dump(path)
    async with emptied.pipeline(**LIVE) as path:
        publish = Withheld.publish

        async def killed_at_dead_letters(publisher: Withheld, records: Sequence[Outgoing]) -> None:
            if any(record.topic.endswith(DEAD_LETTERS.name) for record in records):
                raise asyncio.CancelledError
            await publish(publisher, records)

        monkeypatch.setattr(Withheld, "publish", killed_at_dead_letters)
        with pytest.raises(asyncio.CancelledError):
            await replay(path.services, ALL, Counted())
        unsent = "SELECT count(*) FROM dead_letters WHERE NOT published"
        assert await path.value(unsent) > 0
        monkeypatch.setattr(Withheld, "publish", publish)
        await replay(path.services, ALL, Counted())
        assert await path.value(unsent) == 0
        assert await dump(path) == before


async def test_a_replay_waits_for_postgres_also_while_it_computes(
    place: Place, emptied: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        before = await dump(path)
    async with emptied.pipeline(**LIVE) as path:
        append, asked = revisions.append, 0

        async def away_at_first(*words: Any, **more: Any) -> None:
            nonlocal asked
            asked += 1
            if asked == 1:
                raise Away("Postgres is away: it is stopped", service="Postgres", reason="it is stopped")
            await append(*words, **more)

        monkeypatch.setattr(revisions, "append", away_at_first)
        await replay(path.services, ALL, Counted())
        assert asked > 1
        assert await dump(path) == before


async def test_a_stopped_replay_is_not_gone_on_with_under_another_prefix(
    place: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.pipeline(**LIVE) as path:
        with monkeypatch.context() as patched, pytest.raises(asyncio.CancelledError):
            patched.setattr(LogReplay, "run", stopped_at_once)
            await replay(path.services, ALL, Counted())
    async with with_changed(place, topic_prefix=f"{place.topic_prefix}other.").pipeline(**LIVE) as path:
        with pytest.raises(UsageError, match=r"^The replay that was stopped here reads .*: set topic_prefix as it was"):
            await replay(path.services, ALL, Counted())


async def stopped_at_once(*_: object) -> None:
    raise asyncio.CancelledError


async def test_only_the_days_asked_for_are_computed_and_the_others_wait(
    place: Place, emptied: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        before = await dump(path)
    async with emptied.pipeline(**LIVE) as path:
        filled = await replay(path.services, Asked(("US",), Days(DAYS[1], DAYS[1]), None), Counted())
        assert isinstance(filled, Filled)
        assert filled.waiting == {"US": [DAYS[0], DAYS[2]]}
        assert {context.as_of for context in await path.revisions("US", *DAYS)} == {DAYS[1]}
        path.start("prices", "news", "contexts")
        await settled(path)
        await path.stop()
        assert await dump(path) == before


async def test_a_trigger_whose_cut_lies_beyond_the_end_is_told_and_left_to_a_worker(
    place: Place, emptied: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
    async with emptied.pipeline(**LIVE) as path:
        log, end_offsets = path.services.log, path.services.log.end_offsets

        async def without_the_last_news(topic: str) -> tuple[int, ...]:
            ends = await end_offsets(topic)
            return tuple(end and end - 1 for end in ends) if topic.endswith("news.articles") else ends

        monkeypatch.setattr(log, "end_offsets", without_the_last_news)
        filled = await replay(path.services, ALL, Counted())
        assert isinstance(filled, Filled)
        left: dict[str, list[dt.date]] = await _waiting(path)
        assert left == filled.waiting
        assert left


async def _waiting(path: Pipeline) -> Any:
    async with path.services.pool.acquire() as conn:
        return await trigger_queue.waiting_days(conn)
