"""Triggers are made once, get one cut, and the first copy in the log is the trigger."""

import datetime as dt
from collections.abc import Sequence

from schemas import DayAmended, Definition, RegionDayClosed, TopicCut
from stream_app.store import trigger_queue, triggers
from stream_app.store.database import Connection, Pool, transaction
from stream_app.store.trigger_queue import LoggedTrigger
from stream_app.store.triggers import NewTrigger, TriggerKey, trigger_id
from tests.integration.store.rows import US

D1, D2, D3 = (dt.date(2008, 9, day) for day in (15, 16, 17))
DUE = dt.datetime(2008, 9, 15, 20, 15, tzinfo=dt.UTC)
NOW = DUE + dt.timedelta(minutes=1)
CUT = {"prices.closes": TopicCut(epoch=1, offsets=(3, 0)), "news.articles": TopicCut(epoch=2, offsets=(7, 8))}
LATER_CUT = CUT | {"prices.closes": TopicCut(epoch=1, offsets=(4, 0))}


def new(day: dt.date, number: int = 1, allow_stale: bool = False) -> NewTrigger:
    return NewTrigger(day, number, DUE, allow_stale)


async def make(conn: Connection, *made: NewTrigger, region: str = "US", definition: Definition = US) -> set[dt.date]:
    return await triggers.make(conn, region, definition, made, NOW)


def logged(
    day: dt.date, offset: int, number: int = 1, cut: dict[str, TopicCut] | None = None, definition: Definition = US
) -> LoggedTrigger:
    kind = RegionDayClosed if number == 1 else DayAmended
    event = kind(
        event_id=trigger_id("US", day, number),
        region="US",
        as_of=day,
        number=number,
        closed_at=DUE,
        cut=CUT if cut is None else cut,
        definition=definition,
        allow_stale=False,
    )
    return LoggedTrigger(event, 1, 1000 + offset, 0, offset)


async def finish(conn: Connection, cut: dict[str, TopicCut], *keys: TriggerKey) -> None:
    await triggers.give_cut(conn, keys or await triggers.without_cut(conn), cut)


async def unpublished(conn: Connection) -> list[tuple[str, dt.date, int]]:
    found = await triggers.unpublished(conn, 100)
    return [(t.event.region, t.event.as_of, t.event.number) for t in found]


async def waiting(conn: Connection) -> Sequence[tuple[dt.date, int, bool]]:
    return [(t.event.as_of, t.event.number, t.learnt) for t in await trigger_queue.waiting(conn, "US", 100)]


async def test_a_trigger_is_made_once(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await make(conn, new(D1), new(D2)) == {D1, D2}
        assert await make(conn, new(D1, allow_stale=True), new(D3)) == {D3}
        assert await make(conn, new(D1, 2)) == {D1}
        newest = await triggers.newest(conn, "US", [D1, D2, dt.date(1999, 1, 4)])
        assert {day: found.trigger.event.number for day, found in newest.items()} == {D1: 2, D2: 1}
        assert newest[D1].created_at == NOW
        assert not newest[D2].trigger.event.allow_stale
        assert await triggers.triggered_days(conn, "US", D1, D2) == {D1, D2}
        assert await triggers.unfinished(conn, "US", [D1, D3]) == 3


async def test_only_the_keys_that_were_read_get_a_cut_and_the_first_one_stays(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await make(conn, new(D1))
        keys = await triggers.without_cut(conn)
        await make(conn, new(D2))
        await triggers.give_cut(conn, keys, CUT)
        assert await triggers.without_cut(conn) == [TriggerKey("US", D2, 1)]
        await triggers.give_cut(conn, [*keys, TriggerKey("US", D2, 1)], LATER_CUT)
        cuts = {t.event.as_of: t.event.cut for t in await triggers.unpublished(conn, 100)}
        assert cuts == {D1: CUT, D2: LATER_CUT}


async def test_unpublished_triggers_come_by_region_day_and_number_and_never_without_a_cut(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await make(conn, new(D2), new(D1), new(D1, 2))
        await make(conn, new(D3), region="EU")
        await finish(conn, CUT)
        await make(conn, new(D3))
        expected = [("EU", D3, 1), ("US", D1, 1), ("US", D1, 2), ("US", D2, 1)]
        assert await unpublished(conn) == expected
        await triggers.mark_published(conn, await triggers.unpublished(conn, 2))
        assert await unpublished(conn) == expected[2:]


async def test_a_trigger_travels_through_its_columns_unchanged(pool: Pool) -> None:
    many = Definition(
        calendar="24/7", instruments=("B", "A"), languages=("EN", "de"), news="tagged", news_day="utc_date"
    )
    async with transaction(pool) as conn:
        await make(conn, new(D1, allow_stale=True), definition=many)
        await finish(conn, CUT)
        event = (await triggers.unpublished(conn, 1))[0].event
    assert isinstance(event, RegionDayClosed)
    assert (event.definition, event.cut, event.allow_stale, event.closed_at) == (many, CUT, True, DUE)
    assert event.event_id == trigger_id("US", D1, 1) != trigger_id("US", D1, 2)


async def test_a_trigger_from_the_log_waits_is_published_and_makes_its_region_known(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await trigger_queue.store(conn, [logged(D1, 5)])
        assert await waiting(conn) == [(D1, 1, True)]
        assert await unpublished(conn) == []
        assert await trigger_queue.regions_with_work(conn) == ["US"]
        assert await trigger_queue.lock_region(conn, "US")


async def test_reading_back_what_was_made_here_leaves_it_unlearnt(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await make(conn, new(D1))
        await finish(conn, CUT)
        assert await waiting(conn) == []
        await trigger_queue.store(conn, [logged(D1, 5)])
        assert await waiting(conn) == [(D1, 1, False)]


async def test_the_logs_trigger_overrules_an_unread_one_and_counts_as_learnt_when_its_cut_differs(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await make(conn, new(D1), new(D2))
        await finish(conn, LATER_CUT, TriggerKey("US", D1, 1))
        await trigger_queue.store(conn, [logged(D1, 5), logged(D2, 6)])
        assert await waiting(conn) == [(D1, 1, True), (D2, 1, True)]
        assert await unpublished(conn) == []
        assert [t.event.cut for t in await trigger_queue.waiting(conn, "US", 9)] == [CUT, CUT]


async def test_nothing_overrules_the_first_copy_in_the_log(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await trigger_queue.store(conn, [logged(D1, 5), logged(D1, 6, cut=LATER_CUT)])
        await trigger_queue.store(conn, [logged(D1, 7, cut=LATER_CUT)])
        found = await trigger_queue.waiting(conn, "US", 9)
    assert [(t.event.cut, t.known_at) for t in found] == [(CUT, logged(D1, 5).known_at)]


async def test_triggers_wait_in_the_order_of_the_log_until_they_are_computed(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await trigger_queue.store(conn, [logged(D2, 5), logged(D1, 6), logged(D1, 7, number=2)])
        assert await waiting(conn) == [(D2, 1, True), (D1, 1, True), (D1, 2, True)]
        first = (await trigger_queue.waiting(conn, "US", 1))[0]
        await trigger_queue.mark_computed(conn, [first.event])
        assert await waiting(conn) == [(D1, 1, True), (D1, 2, True)]


async def test_a_region_goes_live_once(pool: Pool) -> None:
    later = DUE + dt.timedelta(days=1)
    async with transaction(pool) as conn:
        await trigger_queue.store(conn, [logged(D1, 5)])
        assert await trigger_queue.live_since(conn) == {}
        await trigger_queue.go_live(conn, ["US", "EU"], DUE)
        await trigger_queue.go_live(conn, ["US", "JP"], later)
        assert await trigger_queue.live_since(conn) == {"US": DUE, "EU": DUE, "JP": later}


async def test_a_region_is_computed_by_one_at_a_time(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await trigger_queue.store(conn, [logged(D1, 5)])
    async with transaction(pool) as one, transaction(pool) as other:
        assert await trigger_queue.lock_region(one, "US")
        assert not await trigger_queue.lock_region(other, "US")
        assert not await trigger_queue.lock_region(other, "unknown")
