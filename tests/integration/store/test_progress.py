"""Progress is the fence, and what says that a cut is reached."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from schemas import DeadLetter, TopicCut
from stream_app.errors import Fatal, FenceLost
from stream_app.store import dead_letters, ended_logs, progress
from stream_app.store.database import Pool, connection, transaction
from stream_app.store.dead_letters import Letter
from stream_app.store.progress import Progress, Reach

TOPIC = "prices.closes"


async def created(pool: Pool, partition: int, next_offset: int) -> Progress:
    async with connection(pool) as conn:
        await progress.create(conn, TOPIC, partition, next_offset)
        return (await progress.load(conn, TOPIC, [partition]))[partition]


def applied_to(was: Progress, next_offset: int) -> Progress:
    return replace(
        was, next_offset=next_offset, last_offset=next_offset - 1, last_timestamp_ms=5, last_checksum=7, position_ms=9
    )


async def set_epoch(pool: Pool, partition: int, epoch: int) -> None:
    async with connection(pool) as conn:
        await conn.execute("UPDATE ingest_progress SET log_epoch = $1 WHERE partition = $2", epoch, partition)


async def test_a_chunk_moves_its_partition_on_from_where_it_was(pool: Pool) -> None:
    was = await created(pool, 0, 3)
    now = applied_to(was, 10)
    async with transaction(pool) as conn:
        await progress.move_on(conn, was, now)
        assert await progress.load(conn, TOPIC, [0, 1]) == {0: now}


@pytest.mark.parametrize("stale", [{"next_offset": 2}, {"log_epoch": 0}, {"partition": 1}])
async def test_the_fence_refuses_whoever_expects_another_place(pool: Pool, stale: dict[str, Any]) -> None:
    was = await created(pool, 0, 3)
    with pytest.raises(FenceLost, match=r"prices\.closes\[[01]\] is no longer at offset [23]"):
        async with transaction(pool) as conn:
            await progress.move_on(conn, replace(was, **stale), applied_to(was, 10))
    async with connection(pool) as conn:
        assert await progress.load(conn, TOPIC, [0]) == {0: was}


async def test_a_database_belongs_to_the_topics_of_one_prefix(pool: Pool) -> None:
    async with connection(pool) as conn:
        await progress.check_prefix(conn, "other.", [TOPIC])
    await created(pool, 0, 0)
    async with connection(pool) as conn:
        await progress.check_prefix(conn, "", [TOPIC, "news.articles"])
        with pytest.raises(Fatal, match=r"filled from the topic prices\.closes, not from other\.prices\.closes: "):
            await progress.check_prefix(conn, "other.", [TOPIC])


async def test_a_row_once_made_is_not_made_again(pool: Pool) -> None:
    await created(pool, 0, 3)
    assert (await created(pool, 0, 99)).next_offset == 3


async def test_a_new_partition_begins_in_its_topics_epoch(pool: Pool) -> None:
    assert (await created(pool, 0, 0)).log_epoch == 1
    await set_epoch(pool, 0, 4)
    assert (await created(pool, 1, 0)).log_epoch == 4


async def test_an_idle_partition_moves_on_only_from_where_it_was_and_never_back(pool: Pool) -> None:
    was = await created(pool, 0, 3)
    async with connection(pool) as conn:
        assert not await progress.pass_idle(conn, replace(was, next_offset=2), 8)
        assert not await progress.pass_idle(conn, replace(was, log_epoch=2), 8)
        assert not await progress.pass_idle(conn, was, 3)
        assert not await progress.pass_idle(conn, was, 1)
        assert await progress.pass_idle(conn, was, 8)
        assert await progress.offsets(conn, TOPIC) == {0: 8}


async def test_a_cut_is_reached_when_every_partition_is(pool: Pool) -> None:
    await created(pool, 0, 5)
    await created(pool, 1, 2)

    async def reached(*offsets: int, epoch: int = 1, topic: str = TOPIC) -> bool:
        async with connection(pool) as conn:
            return await progress.reached(conn, {topic: TopicCut(epoch=epoch, offsets=offsets)})

    assert await reached(5, 2)
    assert await reached(4, 0)
    assert not await reached(5, 3)
    assert not await reached(6, 2)
    assert await reached(5, 2, 0), "a partition never seen counts as 0"
    assert not await reached(5, 2, 1)
    assert not await reached(1, topic="news.articles")
    assert await reached(0, topic="news.articles")


async def test_a_cut_of_an_ended_log_is_reached_as_far_as_that_log_was_applied_and_else_never(pool: Pool) -> None:
    await created(pool, 0, 5)
    await created(pool, 1, 2)
    async with connection(pool) as conn:
        assert await progress.reach(conn, {TOPIC: TopicCut(epoch=2, offsets=(0, 0))}) is Reach.WAITING
    async with transaction(pool) as conn:
        await ended_logs.lock(conn, TOPIC)
        await ended_logs.begin_epoch(conn, TOPIC, 3, [1, 0, 0])

    async def reach(epoch: int, *offsets: int) -> Reach:
        async with connection(pool) as conn:
            return await progress.reach(conn, {TOPIC: TopicCut(epoch=epoch, offsets=offsets)})

    assert await reach(1, 5, 2) is Reach.REACHED
    assert await reach(1, 5, 3) is Reach.NEVER
    assert await reach(1, 5, 2, 1) is Reach.NEVER
    assert await reach(2, 0, 0) is Reach.REACHED, "nothing lies below it"
    assert await reach(2, 1, 0) is Reach.NEVER, "nothing of that log was applied here"
    assert await reach(3, 1, 0, 0) is Reach.REACHED
    assert await reach(3, 2, 0, 0) is Reach.WAITING
    assert await reach(4, 0, 0, 0) is Reach.WAITING


async def test_whoever_began_before_keys_moved_loses_the_fence(pool: Pool) -> None:
    async with connection(pool) as conn:
        await progress.create(conn, TOPIC, 0, 0, partitions=2)
        (was,) = await progress.of_topic(conn, TOPIC)
        assert not await progress.move_keys(conn, TOPIC, 2)
        assert await progress.move_keys(conn, TOPIC, 3)
        assert not await progress.move_keys(conn, TOPIC, 3)
        await progress.create(conn, TOPIC, 2, 0, partitions=3)
    with pytest.raises(FenceLost):
        async with transaction(pool) as conn:
            await progress.move_on(conn, was, applied_to(was, 10))
    async with transaction(pool) as conn:
        now, added = await progress.of_topic(conn, TOPIC)
        assert (now.keys_moved, added.keys_moved) == (True, True)
        await progress.move_on(conn, now, applied_to(now, 10))


async def test_a_topics_epoch_is_its_newest_and_1_before_anything_was_read(pool: Pool) -> None:
    await created(pool, 0, 5)
    await created(pool, 1, 5)
    await set_epoch(pool, 1, 3)
    async with connection(pool) as conn:
        assert await progress.epochs(conn, [TOPIC, "news.articles"]) == {TOPIC: 3, "news.articles": 1}


def letter(offset: int, **more: Any) -> Letter:
    given: dict[str, Any] = {"key": b"k", "value": b"\x00\xff", "reason": "not-json", "error": "a \x00 in it"} | more
    made = DeadLetter(
        event_id=f"{offset:032x}",
        topic=TOPIC,
        log_epoch=1,
        partition=0,
        offset=offset,
        timestamp=dt.datetime(2008, 9, 15, 1, 2, 3, 456_000, tzinfo=dt.UTC),
        **given,
    )
    return Letter(made, position_ms=1)


async def test_dead_letters_come_back_whole_in_order_until_they_are_published(pool: Pool) -> None:
    letters = [letter(2), letter(1, key=None, value=None, error="plain")]
    async with transaction(pool) as conn:
        await dead_letters.put(conn, letters)
        await dead_letters.put(conn, [letter(2, reason="another")])
        assert await dead_letters.unpublished(conn, TOPIC, 3600.0, 10) == []
        first, second = await dead_letters.unpublished(conn, TOPIC, 0.0, 10)
        assert (first, second.value, second.reason) == (letters[1].event, b"\x00\xff", "not-json")
        assert second.error == "a � in it"
        assert second.timestamp == letters[0].event.timestamp
        assert await dead_letters.unpublished(conn, TOPIC, 0.0, 1) == [first]
        assert await dead_letters.unpublished(conn, "news.articles", 0.0, 10) == []
        await dead_letters.mark_published(conn, [first])
        assert await dead_letters.unpublished(conn, TOPIC, 0.0, 10) == [second]
