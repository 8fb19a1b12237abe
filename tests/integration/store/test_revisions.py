"""Revisions are append-only; beside them stand each day's newest context and its numeric regime."""

import datetime as dt
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas import AbsentReason, InstrumentWindow, JointRegimeContext, Vector, encode, event_id
from stream_app.store import pages, revisions, shown
from stream_app.store.database import Connection, Pool, connection, transaction
from stream_app.store.pages import PageQuery
from stream_app.store.revisions import LastRevision, NewContext
from stream_app.store.shown import ContextQuery
from stream_app.web.rows import rows
from tests.integration.store.rows import US

JOINT, NUMERIC = "joint-regime-core-v1", "num-regime-core-v1"
D1, D2, D3 = (dt.date(2008, 9, day) for day in (15, 16, 17))
AS_OF_AN_OLDER_RELEASE = """
    ALTER TABLE joint_embedding_revisions DISABLE TRIGGER append_only_summary;
    UPDATE joint_embedding_revisions SET summary = NULL;
    ALTER TABLE joint_embedding_revisions ENABLE TRIGGER append_only_summary;
"""
KNOWN_AT = dt.datetime(2008, 9, 15, 20, 15, 1, tzinfo=dt.UTC)


def vector(value: float) -> NDArray[np.float32]:
    return np.full(384, value, np.float32)


def new(
    day: dt.date, revision: int, value: float | None, *, region: str = "US", absent: AbsentReason = "no-news"
) -> NewContext:
    """A revision whose vector is `value` everywhere; absent without one, a no-price day without numeric half too."""
    half = None if absent == "no-price" and value is None else vector(revision)
    context = JointRegimeContext(
        event_id=event_id(region, day, revision),
        region=region,
        as_of=day,
        model_id=JOINT,
        revision=revision,
        trigger_number=revision,
        closed_at=dt.datetime.combine(day, dt.time(20, 15), dt.UTC),
        known_at=KNOWN_AT,
        numeric_model_id=NUMERIC,
        text_model_id="text",
        definition=US,
        instruments=() if half is None else (InstrumentWindow(instrument_id="SPX.US", rows=63, last_date=day),),
        numeric_last_date=None,
        stale=False,
        articles=1,
        regime_label=None if half is None else "NEUTRAL",
        regime_confidence=None if half is None else 1.0,
        inputs_hash=f"hash {revision}",
        absent_reason=absent if value is None else None,
        vector=None if value is None else Vector.of(vector(value)),
    )
    return NewContext(context, half)


async def shown_now(conn: Connection) -> dict[dt.date, float]:
    found = await shown.contexts(conn, ContextQuery(JOINT))
    return {context.as_of_date: float(context.vector[0]) for context in found}


async def regimes(conn: Connection) -> dict[dt.date, bytes]:
    rows = await conn.fetch("SELECT as_of_date, regime_embedding FROM regimes WHERE region = 'US'")
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1][4:8] for row in rows}


async def test_the_newest_revision_of_a_day_is_shown_and_every_one_is_kept(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await revisions.append(conn, [new(D1, 1, 0.5), new(D2, 1, 1.5), new(D1, 2, 2.5)])
        assert await shown_now(conn) == {D1: 2.5, D2: 1.5}
        assert await regimes(conn) == {D1: np.array(2, ">f4").tobytes(), D2: np.array(1, ">f4").tobytes()}
        await revisions.append(conn, [new(D2, 2, 3.5)])
        assert await shown_now(conn) == {D1: 2.5, D2: 3.5}
        assert await regimes(conn) == dict.fromkeys((D1, D2), np.array(2, ">f4").tobytes())
        assert await revisions.last_revisions(conn, "US", JOINT, [D1, D2, D3]) == {
            D1: LastRevision(2, "hash 2"),
            D2: LastRevision(2, "hash 2"),
        }
        assert await conn.fetchval("SELECT count(*) FROM joint_embedding_revisions") == 4


async def test_a_day_that_lost_its_inputs_is_shown_no_longer_until_it_has_them_again(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await revisions.append(conn, [new(D1, 1, 0.5), new(D2, 1, 1.5)])
        await revisions.append(conn, [new(D1, 2, None), new(D2, 2, None, absent="no-price")])
        assert await shown_now(conn) == {}
        assert list(await regimes(conn)) == [D1], "a day without news has a numeric regime"
        await revisions.append(conn, [new(D1, 3, 3.5)])
        assert await shown_now(conn) == {D1: 3.5}
        await revisions.append(conn, [new(D2, 3, 4.5), new(D2, 4, None)])
        assert await shown_now(conn) == {D1: 3.5}


async def test_contexts_are_unpublished_in_the_order_in_which_they_were_made(pool: Pool) -> None:
    made = [new(D2, 1, 0.5), new(D1, 1, None), new(D1, 2, 1.5)]
    async with transaction(pool) as conn:
        await revisions.append(conn, made)
        await revisions.append(conn, [new(D1, 1, 0.5, region="EU")])
        found = await revisions.unpublished(conn, "US", 10)
        assert [context for context, _ in found] == [item.context for item in made]
        assert [payload for _, payload in found] == [encode(item.context) for item in made]
        assert len(await revisions.unpublished(conn, "US", 2)) == 2
        await revisions.mark_published(conn, "US", [made[0].context, made[2].context])
        assert [context for context, _ in await revisions.unpublished(conn, "US", 10)] == [made[1].context]
        assert len(await revisions.unpublished(conn, "EU", 10)) == 1


async def test_a_day_waits_for_its_price_while_its_newest_revision_lacks_one(pool: Pool) -> None:
    deadline = dt.datetime(2008, 9, 17, 0, 0, tzinfo=dt.UTC)
    async with transaction(pool) as conn:
        await revisions.append(conn, [new(day, 1, None, absent="no-price") for day in (D1, D2, D3)])
        waiting = await revisions.days_awaiting_price(conn, ["EU", "US"], deadline)
        assert [(each.region, each.as_of) for each in waiting] == [("US", D1), ("US", D2)]
        assert {each.closed_at <= deadline for each in waiting} == {True}
        await revisions.append(conn, [new(D1, 2, 0.5), new(D2, 2, None)])
        assert await revisions.days_awaiting_price(conn, ["EU", "US"], deadline) == []


async def test_of_more_contexts_than_asked_for_the_newest_are_shown_newest_last(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await revisions.append(conn, [new(day, 1, 1.0) for day in (D3, D1, D2)])
        await revisions.append(conn, [new(day, 1, 2.0, region="EU") for day in (D2, D3)])

    async def found(query: ContextQuery) -> list[tuple[str, int]]:
        async with connection(pool) as conn:
            return [(c.region, c.as_of_date.day) for c in await shown.contexts(conn, query)]

    everything = [("US", 15), ("EU", 16), ("US", 16), ("EU", 17), ("US", 17)]
    assert await found(ContextQuery(JOINT)) == everything
    assert await found(ContextQuery(JOINT, limit=2)) == everything[-2:]
    assert await found(ContextQuery(JOINT, limit=3)) == everything[-3:]
    assert await found(ContextQuery(JOINT, regions=["EU"])) == [("EU", 16), ("EU", 17)]
    assert await found(ContextQuery(JOINT, regions=["eu"])) == []
    assert await found(ContextQuery(JOINT, first=D2, last=D2)) == [("EU", 16), ("US", 16)]
    assert await found(ContextQuery("another-model")) == []


async def test_a_shown_context_has_the_norm_of_its_vector(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await revisions.append(conn, [new(D1, 1, 2.0)])
        context = (await shown.contexts(conn, ContextQuery(JOINT)))[0]
    assert context.episode_id is None
    assert context.vector.shape == (384,)
    assert context.l2_norm == np.float32(2 * np.sqrt(384))


async def test_a_page_reads_summaries_alone_and_payloads_where_an_older_release_stored_no_more(pool: Pool) -> None:
    query = PageQuery(JOINT, "US", whole=False)
    async with transaction(pool) as conn:
        await revisions.append(conn, [new(D1, 1, 0.5), new(D2, 1, None)])
        of_summaries = await pages.page(conn, query)
        assert [row["payload"] for row in of_summaries] == [None, None]
        assert all(row["payload"] is not None for row in await pages.page(conn, replace(query, whole=True)))
        await conn.execute(AS_OF_AN_OLDER_RELEASE)
        of_payloads = await pages.page(conn, query)
        assert [row["summary"] for row in of_payloads] == [None, None]
    told = [msgspec.json.encode(rows(each, with_vectors=False)) for each in (of_summaries, of_payloads)]
    assert told[0] == told[1]
