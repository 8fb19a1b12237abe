"""What an export reads: the newest revision of each day of one snapshot, in order, a chunk at a time."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from schemas import JointRegimeContext
from stream_app.store import exported, joint_embeddings, models, revisions, vectors
from stream_app.store.database import Connection, Pool, transaction
from stream_app.store.exported import DayCount, ExportedDay, ExportQuery
from stream_app.store.joint_embeddings import MadeOf
from stream_app.store.revisions import NewContext
from tests.unit.export.days import FRIDAY, JOINT, MODELS, MONDAY, NUMERIC, TEXT, TUESDAY, context, vector

Told = tuple[str, dt.date, int | None]


async def store(pool: Pool, *contexts: JointRegimeContext) -> None:
    """Append revisions, each as its region's worker does."""
    async with transaction(pool) as conn:
        for each in contexts:
            await revisions.append(conn, [NewContext(each, vector(9))])


async def fill_in(pool: Pool, region: str, day: dt.date, seed: int) -> None:
    """A day's vector as a seed command stores it."""
    made = joint_embeddings.records(
        MadeOf(JOINT, NUMERIC, TEXT), [(region, day)], vectors.to_rows(vector(seed)[np.newaxis])
    )
    async with transaction(pool) as conn:
        await joint_embeddings.put(conn, made)


@pytest.fixture
async def snapshot(database_url: str, stored: None) -> AsyncIterator[Connection]:
    async with exported.snapshot(database_url) as connection:
        yield connection


@pytest.fixture
async def stored(pool: Pool) -> None:
    """A Friday and a Monday of two regions: Monday's US context was revised, EU's has lost its news."""
    await store(
        pool,
        context(MONDAY, vector(1)),
        context(MONDAY, vector(2), revision=2),
        context(FRIDAY, vector(3)),
        context(FRIDAY, vector(4), region="EU"),
        context(MONDAY, vector(5), region="EU"),
        context(MONDAY, None, region="EU", revision=2),
        context(FRIDAY, vector(6), model_id="another-model"),
    )


def told(day: ExportedDay) -> Told:
    """What tells a day and its revision; None where it has none."""
    return day.region, day.as_of, None if day.context is None else day.context.revision


async def read(connection: Connection, query: ExportQuery) -> list[Told]:
    return [told(day) async for chunk in exported.chunks(connection, query) for day in chunk.days]


EU_FRIDAY, EU_MONDAY, US_FRIDAY, US_MONDAY = ("EU", FRIDAY, 1), ("EU", MONDAY, 2), ("US", FRIDAY, 1), ("US", MONDAY, 2)


@pytest.mark.parametrize(
    ("query", "days", "count"),
    [
        (ExportQuery(JOINT), [EU_FRIDAY, US_FRIDAY, US_MONDAY], DayCount(4, 1)),
        (ExportQuery(JOINT, absent=True), [EU_FRIDAY, EU_MONDAY, US_FRIDAY, US_MONDAY], DayCount(4, 1)),
        (ExportQuery(JOINT, ["US"]), [US_FRIDAY, US_MONDAY], DayCount(2, 0)),
        (ExportQuery(JOINT, ["US", "EU"], MONDAY, MONDAY), [US_MONDAY], DayCount(2, 1)),
        (ExportQuery(JOINT, last=FRIDAY), [EU_FRIDAY, US_FRIDAY], DayCount(2, 0)),
        (ExportQuery(JOINT, first=TUESDAY), [], DayCount(0, 0)),
        (ExportQuery(JOINT, ["us"]), [], DayCount(0, 0)),
        (ExportQuery("another-model"), [("US", FRIDAY, 1)], DayCount(1, 0)),
    ],
)
async def test_the_newest_revision_of_each_day_by_region_and_date(
    snapshot: Connection, query: ExportQuery, days: Sequence[Told], count: DayCount
) -> None:
    assert await read(snapshot, query) == days
    assert await exported.count(snapshot, query) == count


async def test_a_day_has_the_vector_and_the_context_of_its_revision(snapshot: Connection) -> None:
    (chunk,) = [chunk async for chunk in exported.chunks(snapshot, ExportQuery(JOINT, first=MONDAY, absent=True))]
    absent, present = chunk.days
    assert absent.vector is None
    assert np.isnan(chunk.vectors[0]).all()
    assert present.vector is not None
    assert present.vector.tobytes() == chunk.vectors[1].tobytes() == vector(2).tobytes()
    assert present.context == context(MONDAY, vector(2), revision=2)


@pytest.mark.usefixtures("stored")
async def test_a_day_that_was_filled_in_counts_where_it_has_no_revision(pool: Pool, database_url: str) -> None:
    await fill_in(pool, "US", TUESDAY, 7)
    await fill_in(pool, "EU", MONDAY, 8)
    async with exported.snapshot(database_url) as connection:
        found = await read(connection, ExportQuery(JOINT, first=MONDAY, absent=True))
        (chunk,) = [chunk async for chunk in exported.chunks(connection, ExportQuery(JOINT, first=TUESDAY))]
    assert found == [EU_MONDAY, US_MONDAY, ("US", TUESDAY, None)]
    filled = chunk.days[0]
    assert (filled.origin, filled.numeric_model_id, filled.text_model_id) == ("backfill", NUMERIC, TEXT)
    assert chunk.vectors.tobytes() == vector(7).tobytes()


async def test_no_more_than_a_chunk_is_fetched_at_a_time(snapshot: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "CHUNK_DAYS", 2)
    query = ExportQuery(JOINT, absent=True)
    lengths = [(len(chunk.days), chunk.vectors.shape) async for chunk in exported.chunks(snapshot, query)]
    assert lengths == [(2, (2, 384)), (2, (2, 384))]


async def test_what_is_stored_meanwhile_is_not_in_the_snapshot(
    snapshot: Connection, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported, "CHUNK_DAYS", 1)
    query = ExportQuery(JOINT, ["US"])
    assert await exported.count(snapshot, query) == DayCount(2, 0)
    found: list[Told] = []
    async for chunk in exported.chunks(snapshot, query):
        if not found:
            await store(pool, context(MONDAY, vector(1), revision=3), context(TUESDAY, vector(1)))
        found += map(told, chunk.days)
    assert found == [US_FRIDAY, US_MONDAY]


async def test_an_error_of_a_file_in_the_block_is_not_taken_for_the_databases(database_url: str) -> None:
    with pytest.raises(OSError, match="No space left"):
        async with exported.snapshot(database_url):
            raise OSError(28, "No space left on device")


async def test_models_are_found_by_their_ids(pool: Pool) -> None:
    async with transaction(pool) as conn:
        for model in MODELS:
            await models.register(conn, model)
        assert await models.named(conn, {model.model_id for model in MODELS} | {"unknown"}) == MODELS
        assert await models.named(conn, set()) == []
