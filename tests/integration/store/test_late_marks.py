"""A mark stays until its day's newest cut covers it."""

import datetime as dt

from schemas import TopicCut
from stream_app.store import late_marks, triggers
from stream_app.store.database import Connection, Pool, transaction
from stream_app.store.late_marks import AtRest, Mark
from stream_app.store.triggers import NewTrigger, TriggerKey
from tests.integration.store.rows import US

D1, D2 = dt.date(2008, 9, 15), dt.date(2008, 9, 16)
DUE = dt.datetime(2008, 9, 15, 20, 15, tzinfo=dt.UTC)
TOPIC = "prices.closes"
AT_ONCE = AtRest(DUE, DUE, ())
SECOND = dt.timedelta(seconds=1)


def mark(offset: int, *, epoch: int = 1, partition: int = 0, day: dt.date = D1, topic: str = TOPIC) -> Mark:
    return Mark("US", day, topic, partition, epoch, offset)


async def trigger(conn: Connection, number: int, cut: TopicCut | None) -> None:
    await triggers.make(conn, "US", US, [NewTrigger(D1, number, DUE, False)], DUE)
    if cut is not None:
        await triggers.give_cut(conn, [TriggerKey("US", D1, number)], {TOPIC: cut})


async def kept(conn: Connection) -> list[tuple[dt.date, str, int, int, int]]:
    rows = await conn.fetch(
        "SELECT as_of, topic, partition, log_epoch, log_offset FROM late_marks ORDER BY as_of, topic, partition"
    )
    return [tuple(row) for row in rows]


async def test_of_several_marks_at_one_place_the_newest_is_kept(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await late_marks.put(conn, [mark(5), mark(9), mark(7)], DUE)
        assert await kept(conn) == [(D1, TOPIC, 0, 1, 9)]
        await late_marks.put(conn, [mark(8)], DUE)
        assert await kept(conn) == [(D1, TOPIC, 0, 1, 9)]
        await late_marks.put(conn, [mark(2, epoch=2), mark(3, partition=1)], DUE)
        assert await kept(conn) == [(D1, TOPIC, 0, 2, 2), (D1, TOPIC, 1, 1, 3)]


async def test_a_mark_is_dropped_when_the_days_newest_cut_covers_it(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await trigger(conn, 1, TopicCut(epoch=1, offsets=(5, 5)))
        await late_marks.put(conn, [mark(4), mark(5, partition=1), mark(4, day=D2)], DUE)
        assert await late_marks.take_up(conn, AT_ONCE) == [("US", D1), ("US", D2)]
        assert await kept(conn) == [(D1, TOPIC, 1, 1, 5), (D2, TOPIC, 0, 1, 4)]
        await trigger(conn, 2, None)
        assert await late_marks.take_up(conn, AT_ONCE) == [("US", D1), ("US", D2)], (
            "a trigger without a cut covers nothing"
        )
        await triggers.give_cut(conn, [TriggerKey("US", D1, 2)], {TOPIC: TopicCut(epoch=1, offsets=(5, 6))})
        assert await late_marks.take_up(conn, AT_ONCE) == [("US", D2)]


async def test_a_mark_of_a_lower_epoch_is_covered_and_one_of_a_higher_is_not(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await trigger(conn, 1, TopicCut(epoch=2, offsets=(5, 5)))
        await late_marks.put(conn, [mark(99, epoch=1), mark(0, epoch=3, partition=1)], DUE)
        assert await late_marks.take_up(conn, AT_ONCE) == [("US", D1)]
        assert await kept(conn) == [(D1, TOPIC, 1, 3, 0)]


async def test_a_partition_or_topic_that_the_cut_does_not_know_keeps_its_mark(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await trigger(conn, 1, TopicCut(epoch=1, offsets=(5,)))
        await late_marks.put(conn, [mark(0, partition=1), mark(0, topic="news.articles"), mark(0)], DUE)
        assert await late_marks.take_up(conn, AT_ONCE) == [("US", D1)]
        assert await kept(conn) == [(D1, "news.articles", 0, 1, 0), (D1, TOPIC, 1, 1, 0)]


async def test_a_day_is_taken_up_once_nothing_has_marked_it_for_a_while_or_it_has_waited_long_enough(
    pool: Pool,
) -> None:
    async def taken_up(quiet: int, overdue: int, *behind: tuple[str, int]) -> list[dt.date]:
        at_rest = AtRest(DUE + quiet * SECOND, DUE + overdue * SECOND, behind)
        return [day for _, day in await late_marks.take_up(conn, at_rest)]

    async with transaction(pool) as conn:
        await late_marks.put(conn, [mark(4), mark(1, day=D2)], DUE)
        await late_marks.put(conn, [mark(2, partition=1)], DUE + 3 * SECOND)
        assert await taken_up(2, -1) == [D2]
        assert await taken_up(3, -1) == [D1, D2]
        await late_marks.put(conn, [mark(5), mark(3)], DUE + 8 * SECOND)
        assert await taken_up(7, -1) == [D2], "what is renewed is not at rest"
        assert await taken_up(8, -1) == [D1, D2]
        assert await taken_up(-1, -1) == []
        assert await taken_up(-1, 0) == [D1, D2], "the first mark's time stays"


async def test_a_day_marked_from_a_partition_whose_records_are_not_all_applied_is_not_at_rest(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await late_marks.put(conn, [mark(4), mark(4, partition=1), mark(1, day=D2)], DUE)
        for behind, days in [
            ([(TOPIC, 1)], [D2]),
            ([(TOPIC, 0), (TOPIC, 2)], []),
            ([(TOPIC, 2), ("news.articles", 0), ("news.articles", 1)], [D1, D2]),
        ]:
            early, at_rest = DUE - SECOND, AtRest(DUE, DUE - SECOND, behind)
            assert [day for _, day in await late_marks.take_up(conn, at_rest)] == days
            assert len(await late_marks.take_up(conn, AtRest(early, DUE, behind))) == 2, "overdue"


async def test_the_triggered_days_are_found_by_date_and_by_the_instruments_they_name(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await late_marks.latest_triggered_day(conn) is None
        await trigger(conn, 1, None)
        await trigger(conn, 2, None)
        found = [late_marks.TriggeredDay("US", D1, US)]
        assert await late_marks.triggered_days(conn, D1, D2) == found
        assert await late_marks.triggered_days(conn, D2, D2) == []
        assert await late_marks.triggered_days(conn, D1, D1, naming=["DAX.EU", "SPX.US"]) == found
        assert await late_marks.triggered_days(conn, D1, D1, naming=["DAX.EU"]) == []
        assert await late_marks.latest_triggered_day(conn) == D1
