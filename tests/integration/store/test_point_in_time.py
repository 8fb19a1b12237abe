"""What was known at an instant: of each day the newest revision by then, whatever was stored since."""

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from schemas import JointRegimeContext
from stream_app.store import chosen, exported, models, revisions, shown, triggers
from stream_app.store.chosen import LeftOut
from stream_app.store.database import Connection, Pool, connection, transaction
from stream_app.store.exported import ExportQuery
from stream_app.store.revisions import NewContext
from stream_app.store.shown import ContextQuery
from stream_app.store.triggers import NewTrigger
from tests.integration.store.test_exported import fill_in, store
from tests.unit.export.days import FRIDAY, JOINT, MODELS, MONDAY, TUESDAY, US, context, vector

START = dt.datetime(2008, 9, 12, 20, 15, tzinfo=dt.UTC)
STEP, MICROSECOND = dt.timedelta(minutes=5), dt.timedelta(microseconds=1)
DAYS = [FRIDAY + dt.timedelta(days=more) for more in range(12)]

Answer = dict[tuple[str, dt.date], int]
"""The revision of each (region, day)."""


def at(step: int) -> dt.datetime:
    return START + step * STEP


async def exported_then(conn: Connection, known_at: dt.datetime, **more: Any) -> Answer:
    """What an export tells, absent days included."""
    found: Answer = {}
    async with conn.transaction():
        query = ExportQuery(JOINT, known_at=known_at, absent=True, **more)
        async for chunk in exported.chunks(conn, query):
            for day in chunk.days:
                assert day.context is not None
                found[day.region, day.as_of] = day.context.revision
        assert (await exported.count(conn, query)).days == len(found)
    return found


async def shown_then(conn: Connection, known_at: dt.datetime | None, **more: Any) -> list[tuple[str, dt.date, bytes]]:
    """What `show` tells."""
    found = await shown.contexts(conn, ContextQuery(JOINT, known_at=known_at, limit=1_000, **more))
    return [(each.region, each.as_of_date, each.vector.tobytes()) for each in found]


def history(seed: int, steps: int) -> list[JointRegimeContext]:
    """Closes, amendments and days that lose or find their inputs, one a step, in the order in which they were known."""
    drawn = random.Random(seed)
    newest: dict[tuple[str, dt.date], int] = {}
    made = []
    for step in range(steps):
        day = drawn.choice(("US", "EU")), drawn.choice(DAYS)
        newest[day] = newest.get(day, 0) + 1
        numbers = None if drawn.random() < 0.25 else vector(step)
        made.append(context(day[1], numbers, region=day[0], revision=newest[day], known_at=at(step)))
    return made


async def test_an_answer_is_the_newest_revision_of_each_day_that_was_known_and_no_later_one_changes_it(
    pool: Pool,
) -> None:
    made = history(seed=7, steps=60)
    async with connection(pool) as conn:
        for step, each in enumerate(made):
            await store(pool, each)
            if step % 6 == 0:
                now = await shown_then(conn, None)
                for later in (at(step), at(step) + STEP - MICROSECOND):
                    assert await shown_then(conn, later) == now
        for step in range(len(made)):
            expected = {(each.region, each.as_of): each.revision for each in made[: step + 1]}
            assert await exported_then(conn, at(step)) == expected
            assert await exported_then(conn, at(step + 1) - MICROSECOND) == expected
            before = {(each.region, each.as_of): each.revision for each in made[:step]}
            assert await exported_then(conn, at(step) - MICROSECOND) == before


async def test_what_was_shown_at_every_step_is_shown_for_its_instant_ever_after(pool: Pool) -> None:
    made = history(seed=8, steps=40)
    async with connection(pool) as conn:
        then = []
        for each in made:
            await store(pool, each)
            then.append(await shown_then(conn, None))
        assert len({len(found) for found in then}) > 5, "days must have come and gone"
        for step, found in enumerate(then):
            assert await shown_then(conn, at(step)) == found


async def test_an_instant_is_compared_to_the_microsecond_and_its_own_counts(pool: Pool) -> None:
    await store(
        pool,
        context(MONDAY, vector(1), known_at=at(0)),
        context(MONDAY, None, revision=2, known_at=at(1)),
        context(MONDAY, vector(3), revision=3, known_at=at(2)),
    )
    async with connection(pool) as conn:
        for instant, revision in [
            (at(0), 1),
            (at(0) + MICROSECOND, 1),
            (at(1) - MICROSECOND, 1),
            (at(1), 2),
            (at(2) - MICROSECOND, 2),
            (at(2), 3),
            (dt.datetime.max.replace(tzinfo=dt.UTC), 3),
        ]:
            assert await exported_then(conn, instant) == {("US", MONDAY): revision}
        assert await exported_then(conn, at(0) - MICROSECOND) == {}
        assert await shown_then(conn, at(1)) == [], "a day that had lost its news was shown no longer"
        in_tokyo = at(1).astimezone(dt.timezone(dt.timedelta(hours=9)))
        assert await exported_then(conn, in_tokyo) == {("US", MONDAY): 2}


async def test_a_region_days_and_a_limit_are_chosen_among_what_was_known(pool: Pool) -> None:
    await store(
        pool,
        context(FRIDAY, vector(1), known_at=at(0)),
        context(MONDAY, vector(2), known_at=at(1)),
        context(MONDAY, vector(3), region="EU", known_at=at(1)),
        context(TUESDAY, vector(4), known_at=at(2)),
        context(FRIDAY, vector(5), revision=2, known_at=at(3)),
    )
    async with connection(pool) as conn:
        assert await exported_then(conn, at(2), regions=["US"]) == {("US", d): 1 for d in (FRIDAY, MONDAY, TUESDAY)}
        assert await exported_then(conn, at(1), first=MONDAY) == {("US", MONDAY): 1, ("EU", MONDAY): 1}
        assert await exported_then(conn, at(3), last=FRIDAY) == {("US", FRIDAY): 2}
        newest = await shown.contexts(conn, ContextQuery(JOINT, known_at=at(1), limit=2))
    assert [(each.region, each.as_of_date) for each in newest] == [("EU", MONDAY), ("US", MONDAY)]


async def test_what_a_replay_changed_of_an_old_trigger_was_not_known_before_it_was_stored(pool: Pool) -> None:
    """Its payload has the trigger's known_at, as all that is a function of it: the cut has not moved."""
    before = dt.datetime.now(dt.UTC)
    await store(
        pool,
        context(MONDAY, vector(1), known_at=at(0)),
        context(MONDAY, vector(2), revision=2, trigger_number=2, known_at=at(1)),
        context(MONDAY, vector(3), revision=3, trigger_number=2, known_at=at(1)),
    )
    async with connection(pool) as conn:
        stored = await conn.fetchval("SELECT created_at FROM joint_embedding_revisions WHERE revision = 3")
        assert before <= stored
        assert await exported_then(conn, at(1)) == await exported_then(conn, before) == {("US", MONDAY): 2}
        assert await exported_then(conn, stored - MICROSECOND) == {("US", MONDAY): 2}
        assert await exported_then(conn, stored) == {("US", MONDAY): 3}
        assert await shown_then(conn, stored) == await shown_then(conn, None)
        await store(pool, context(MONDAY, vector(4), revision=4, trigger_number=3, known_at=stored + STEP))
        assert await exported_then(conn, stored + STEP) == {("US", MONDAY): 4}
        assert await exported_then(conn, stored + STEP - MICROSECOND) == {("US", MONDAY): 3}


async def test_days_that_a_seed_command_filled_in_are_left_out_and_counted(pool: Pool) -> None:
    await fill_in(pool, "US", FRIDAY, 1)
    await fill_in(pool, "US", MONDAY, 2)
    await fill_in(pool, "EU", TUESDAY, 3)
    await store(pool, context(TUESDAY, None, known_at=at(1)))
    await fill_in(pool, "US", TUESDAY, 4)
    async with connection(pool) as conn:
        assert await exported_then(conn, at(1)) == {("US", TUESDAY): 1}
        assert await shown_then(conn, at(1)) == []

        async def filled_in(known_at: dt.datetime, **more: Any) -> int:
            found = await chosen.left_out(conn, ExportQuery(JOINT, known_at=known_at, **more))
            assert found is not None
            return found.filled_in

        assert await filled_in(at(1)) == 3, "Tuesday of US was known not to have a context"
        assert await filled_in(at(0)) == 4
        assert await filled_in(at(0), regions=["EU"]) == 1
        assert await filled_in(at(0), first=MONDAY, last=MONDAY) == 1
        assert await chosen.left_out(conn, ExportQuery(JOINT)) is None


async def test_days_whose_trigger_still_waits_are_counted_as_their_context_may_yet_be_known(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await _triggers(conn, MONDAY, TUESDAY)
        await conn.execute("UPDATE day_triggers SET known_at = $2 WHERE as_of = $1", MONDAY, at(0))
        await conn.execute("UPDATE day_triggers SET known_at = $2 WHERE as_of = $1", TUESDAY, at(2))
        await revisions.append(conn, [NewContext(context(FRIDAY, vector(1), known_at=at(-1)), None)])

        async def left_out(known_at: dt.datetime, **more: Any) -> LeftOut | None:
            return await chosen.left_out(conn, ExportQuery(JOINT, known_at=known_at, **more))

        assert await left_out(at(1)) == LeftOut(filled_in=0, waiting=1, earliest=at(-1))
        assert await left_out(at(2)) == LeftOut(filled_in=0, waiting=2, earliest=at(-1))
        assert await left_out(at(2), last=MONDAY, regions=["US"]) == LeftOut(0, 1, at(-1))
        assert await left_out(at(2), regions=["EU"]) == LeftOut(0, 0, None)
        await conn.execute("UPDATE day_triggers SET computed = true")
        assert await left_out(at(2)) == LeftOut(0, 0, at(-1))


async def test_days_that_closed_before_their_model_was_added_are_counted_until_they_could_be_read(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await models.register(conn, MODELS[0])
        since = await conn.fetchval("UPDATE models SET created_at = $1 RETURNING created_at", at(5))
        now = await conn.fetchval("SELECT now()")
        for told in (
            context(FRIDAY, vector(1), known_at=at(4)),
            context(MONDAY, vector(2), known_at=at(4)),
            context(MONDAY, vector(3), revision=2, known_at=at(6)),
            context(TUESDAY, vector(4), region="EU", known_at=at(5)),
        ):
            await revisions.append(conn, [NewContext(told, None)])

        async def added_later(known_at: dt.datetime, **more: Any) -> int:
            found = await chosen.left_out(conn, ExportQuery(JOINT, known_at=known_at, **more))
            assert found is not None and found.model_since == since
            return found.added_later

        assert await added_later(at(4)) == 2
        assert await added_later(at(4), regions=["US"], last=FRIDAY) == 1
        assert await added_later(at(6)) == 1, "Monday's amendment came when the model was there"
        assert await added_later(at(3)) == 0
        assert await added_later(now) == 0, "by then it could be read"


async def _triggers(conn: Connection, *days: dt.date) -> None:
    await triggers.make(conn, "US", US, [NewTrigger(day, 1, START, False) for day in days], START)


async def _columns(conn: Connection) -> Sequence[str]:
    rows = await conn.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'joint_embedding_revisions'"
    )
    return [row[0] for row in rows]


async def test_postgres_refuses_to_change_or_remove_a_revision_and_lets_it_be_marked_as_published(pool: Pool) -> None:
    await store(pool, context(MONDAY, vector(1), known_at=at(0)))
    async with connection(pool) as conn:
        columns = await _columns(conn)
        assert {"known_at", "payload", "published"} < set(columns)
        statements = ["DELETE FROM joint_embedding_revisions"]
        statements += [f"UPDATE joint_embedding_revisions SET {c} = DEFAULT" for c in columns if c != "published"]
        statements += [f"UPDATE joint_embedding_revisions SET {c} = DEFAULT WHERE false" for c in ("vector", "stale")]
        for statement in statements:
            with pytest.raises(asyncpg.RestrictViolationError, match="joint_embedding_revisions is append-only"):
                await conn.execute(statement)
        for published in (True, False):
            await conn.execute("UPDATE joint_embedding_revisions SET published = $1", published)
        assert await exported_then(conn, at(0)) == {("US", MONDAY): 1}
