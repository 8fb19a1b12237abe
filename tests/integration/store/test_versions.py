"""Of the versions of a key the newest position is current, and every other one is history."""

import asyncio
import datetime as dt
import itertools
import random
from typing import Any

import pytest

from stream_app.store import versions
from stream_app.store.database import Pool, connection, transaction
from stream_app.store.places import POSITION_COLUMNS
from stream_app.store.versions import NEWS, PRICES, Merged
from tests.integration.pipeline import until
from tests.integration.store.rows import SEEDED, Position, article, everything, price

DAY = dt.date(2008, 9, 15)
KEY = ("SPX.US", DAY)
TABLES = (PRICES.name, PRICES.history)
OLD, NEW, NEWEST = Position(1, 10, 0, 5), Position(1, 20, 1, 3), Position(1, 30, 0, 9)
WAITS_FOR_A_LOCK = "SELECT cardinality(pg_blocking_pids($1)) > 0"


async def merge(pool: Pool, *rows: tuple[Any, ...]) -> Merged:
    async with transaction(pool) as conn:
        return await versions.merge(conn, PRICES, list(rows))


async def stored(pool: Pool) -> tuple[dict[Any, Position], set[Any]]:
    """Current positions by key, and the history's (key, position) pairs."""
    async with connection(pool) as conn:
        current, history = await everything(conn, PRICES)
    return dict(current), history


async def test_a_first_version_is_current_and_has_no_history(pool: Pool) -> None:
    merged = await merge(pool, price(*KEY, 1.0, OLD))
    assert (merged.fresh, merged.replaced) == ({KEY}, [])
    assert await stored(pool) == ({KEY: OLD}, set())


async def test_a_newer_version_wins_and_the_stored_one_becomes_history(pool: Pool) -> None:
    await merge(pool, price(*KEY, 1.0, OLD))
    merged = await merge(pool, price(*KEY, 2.0, NEW))
    assert merged.fresh == set()
    assert [(row["close"], row["log_offset"]) for row in merged.replaced] == [(1.0, OLD.offset)]
    assert await stored(pool) == ({KEY: NEW}, {(KEY, OLD)})


async def test_an_older_version_arriving_late_goes_to_history_and_replaces_nothing(pool: Pool) -> None:
    await merge(pool, price(*KEY, 2.0, NEW))
    merged = await merge(pool, price(*KEY, 1.0, OLD))
    assert (merged.fresh, merged.replaced) == (set(), [])
    assert await stored(pool) == ({KEY: NEW}, {(KEY, OLD)})


async def test_of_several_versions_in_a_chunk_the_newest_is_current_and_the_others_are_history(pool: Pool) -> None:
    merged = await merge(pool, price(*KEY, 1.0, OLD), price(*KEY, 3.0, NEWEST), price(*KEY, 2.0, NEW))
    assert (merged.fresh, merged.replaced) == ({KEY}, [])
    assert await stored(pool) == ({KEY: NEWEST}, {(KEY, OLD), (KEY, NEW)})


async def test_a_chunk_whose_versions_lie_on_both_sides_of_the_stored_one_loses_none(pool: Pool) -> None:
    await merge(pool, price(*KEY, 2.0, NEW))
    merged = await merge(pool, price(*KEY, 1.0, OLD), price(*KEY, 3.0, NEWEST))
    assert [row["close"] for row in merged.replaced] == [2.0]
    assert await stored(pool) == ({KEY: NEWEST}, {(KEY, OLD), (KEY, NEW)})


async def test_the_same_position_again_changes_nothing(pool: Pool) -> None:
    await merge(pool, price(*KEY, 1.0, OLD), price(*KEY, 2.0, NEW))
    before = await stored(pool)
    merged = await merge(pool, price(*KEY, 1.0, OLD), price(*KEY, 2.0, NEW))
    assert (merged.fresh, merged.replaced) == (set(), [])
    assert await stored(pool) == before


async def merge_sent_again(pool: Pool, close: float, own: Position, origin: Position) -> Merged:
    async with transaction(pool) as conn:
        return await versions.merge(conn, PRICES, [], [(*price(*KEY, close, own), *origin)])


async def test_what_was_sent_again_is_current_only_over_what_is_older_than_its_origin(pool: Pool) -> None:
    between, after = Position(1, 15, 0, 6), Position(1, 40, 0, 20)
    await merge(pool, price(*KEY, 1.0, OLD))
    merged = await merge_sent_again(pool, 2.0, after, between)
    assert [row["close"] for row in merged.replaced] == [1.0]
    assert await stored(pool) == ({KEY: after}, {(KEY, OLD)})
    merged = await merge(pool, price(*KEY, 3.0, NEW))
    assert [(row["close"], row["origin_offset"]) for row in merged.replaced] == [(2.0, between.offset)]
    assert await stored(pool) == ({KEY: NEW}, {(KEY, OLD), (KEY, after)})


async def test_an_original_that_is_older_than_a_correction_goes_to_history_with_both_places(pool: Pool) -> None:
    await merge(pool, price(*KEY, 2.0, NEW))
    merged = await merge_sent_again(pool, 1.0, NEWEST, OLD)
    assert (merged.replaced, [row["close"] for row in merged.unbeaten]) == ([], [2.0])
    assert await stored(pool) == ({KEY: NEW}, {(KEY, NEWEST)})
    async with connection(pool) as conn:
        row = await conn.fetchrow(
            "SELECT origin_epoch, origin_timestamp_ms, origin_partition, origin_offset FROM prices_history"
        )
    assert tuple(row) == OLD


async def test_of_two_copies_of_an_original_the_later_one_is_current_also_within_a_chunk(pool: Pool) -> None:
    first, second = Position(1, 30, 0, 9), Position(1, 31, 0, 10)
    await merge_sent_again(pool, 1.0, first, OLD)
    await merge_sent_again(pool, 1.0, second, OLD)
    await merge_sent_again(pool, 1.0, second, OLD)
    assert await stored(pool) == ({KEY: second}, {(KEY, first)})
    async with transaction(pool) as conn:
        again = [(*price(*KEY, 1.0, own), *OLD) for own in (Position(1, 32, 0, 11), Position(1, 33, 0, 12))]
        await versions.merge(conn, PRICES, [price(*KEY, 2.0, NEW)], again)
    current, history = await stored(pool)
    assert (current, len(history)) == ({KEY: NEW}, 4)


async def test_a_seed_row_loses_to_a_record_of_the_log_whichever_comes_first(pool: Pool) -> None:
    other = ("DAX.EU", DAY)
    await merge(pool, price(*KEY, 1.0, SEEDED), price(*other, 2.0, OLD))
    await merge(pool, price(*KEY, 2.0, OLD), price(*other, 1.0, SEEDED))
    assert await stored(pool) == ({KEY: OLD, other: OLD}, {(KEY, SEEDED), (other, SEEDED)})


async def test_metadata_is_kept_and_may_be_null(pool: Pool) -> None:
    second = (KEY[0], DAY + dt.timedelta(days=1))
    await merge(pool, price(*KEY, 1.0, OLD), price(*second, 1.0, OLD, metadata={"desk": ["a", 1, None]}))
    async with connection(pool) as conn:
        rows = await conn.fetch("SELECT metadata FROM prices_daily ORDER BY trade_date")
        nulls = await conn.fetchval("SELECT count(*) FROM prices_daily WHERE metadata IS NULL")
    assert ([row["metadata"] for row in rows], nulls) == ([None, {"desk": ["a", 1, None]}], 1)


async def test_the_values_move_with_their_version(pool: Pool) -> None:
    await merge(pool, price(*KEY, 1.0, OLD, metadata={"n": 1}))
    await merge(pool, price(*KEY, None, NEW, retracted=True))
    async with connection(pool) as conn:
        current = await conn.fetchrow("SELECT close, volume, metadata, retracted FROM prices_daily")
        history = await conn.fetchrow("SELECT close, volume, metadata, retracted FROM prices_history")
    assert tuple(current) == (None, None, None, True)
    assert tuple(history) == (1.0, 1000.0, {"n": 1}, False)


async def test_articles_are_versioned_alike(pool: Pool) -> None:
    instant = dt.datetime(2008, 9, 15, 13, tzinfo=dt.UTC)
    async with transaction(pool) as conn:
        await versions.merge(conn, NEWS, [article("a", instant, OLD, headline="first", regions=["US"])])
    async with transaction(pool) as conn:
        merged = await versions.merge(conn, NEWS, [article("a", instant, NEW, headline="second")])
        current, history = await everything(conn, NEWS)
    assert [(row["headline"], row["regions"]) for row in merged.replaced] == [("first", ["US"])]
    assert (current, history) == ({(("a",), NEW)}, {(("a",), OLD)})


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_the_order_of_chunks_nothing_known_is_lost(pool: Pool, seed: int) -> None:
    chance = random.Random(seed)
    keys = [(name, DAY + dt.timedelta(days=day)) for name in ("A", "B") for day in range(3)]
    rows = [
        price(*chance.choice(keys), float(n + 1), Position(chance.choice((1, 1, 2)), n // 3, n % 2, n))
        for n in range(40)
    ]
    chance.shuffle(rows)
    while rows:
        size = chance.randint(1, 9)
        chunk, rows = rows[:size], rows[size:]
        await merge(pool, *chunk, *chance.sample(chunk, 1))
        if chance.random() < 0.3:
            rows += chance.sample(chunk, 1)
            chance.shuffle(rows)
    current, history = await stored(pool)
    versions_of = {key: {current[key]} | {p for k, p in history if k == key} for key in current}
    assert sum(map(len, versions_of.values())) == 40
    assert all(current[key] == max(of_key) for key, of_key in versions_of.items())


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_versions_in_any_order_and_cut_into_any_chunks_leave_the_same_rows_and_history(
    pool: Pool, seed: int
) -> None:
    chance = random.Random(seed)
    keys = [(name, DAY + dt.timedelta(days=day)) for name in ("A", "B") for day in range(4)]
    rows = [
        price(*chance.choice(keys), float(n + 1), Position(chance.choice((1, 2)), n // 3, n % 2, n)) for n in range(40)
    ]
    left = []
    for _ in range(3):
        chance.shuffle(rows)
        cuts = [0, *sorted(chance.sample(range(1, len(rows)), 5)), len(rows)]
        async with connection(pool) as conn:
            await conn.execute("TRUNCATE prices_daily, prices_history")
        for start, end in itertools.pairwise(cuts):
            await merge(pool, *rows[start:end])
        async with connection(pool) as conn:
            left.append([await conn.fetch(f"SELECT * FROM {name} ORDER BY 1, 2, log_offset") for name in TABLES])
    assert left[1:] == [left[0]] * 2
    assert len(left[0][0]) + len(left[0][1]) == 40


async def merge_at_once(
    pool: Pool, first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]
) -> tuple[Merged, Merged]:
    """Two transactions side by side: the first one commits when the second one waits for it."""
    async with pool.acquire() as ahead, pool.acquire() as behind, pool.acquire() as watcher:
        pid = behind.get_server_pid()

        async def wait_then_merge() -> Merged:
            async with behind.transaction():
                return await versions.merge(behind, PRICES, second)

        async def is_behind() -> bool:
            return bool(await watcher.fetchval(WAITS_FOR_A_LOCK, pid))

        async with ahead.transaction():
            merged = await versions.merge(ahead, PRICES, first)
            waiting = asyncio.create_task(wait_then_merge())
            await until(is_behind, "the second transaction waits")
        return merged, await waiting


@pytest.mark.parametrize("are_stored", [False, True], ids=["new keys", "stored keys"])
@pytest.mark.parametrize(("of_first", "of_second"), [(NEW, NEWEST), (NEWEST, NEW)], ids=["in order", "reversed"])
async def test_two_transactions_on_the_same_keys_lose_nothing(
    pool: Pool, are_stored: bool, of_first: Position, of_second: Position
) -> None:
    keys = [(name, DAY) for name in "ABC"]
    if are_stored:
        await merge(pool, *[price(*key, 1.0, OLD) for key in keys])
    first = [price(*key, 2.0, of_first) for key in keys]
    second = [price(*key, 3.0, of_second) for key in reversed(keys)]
    _, merged = await merge_at_once(pool, first, second)
    current, history = await stored(pool)
    lost = {(key, NEW) for key in keys} | ({(key, OLD) for key in keys} if are_stored else set())
    assert current == dict.fromkeys(keys, NEWEST)
    assert history == lost
    assert {Position(*(row[name] for name in POSITION_COLUMNS)) for row in merged.replaced} == (
        {NEW} if of_second == NEWEST else set()
    )


async def test_many_transactions_on_overlapping_keys_end_without_a_deadlock(pool: Pool) -> None:
    chance = random.Random(7)
    keys = [(f"I{n:02}", DAY) for n in range(30)]
    chunks = [
        [price(*key, 1.0, Position(1, n, n, offset)) for offset, key in enumerate(chance.sample(keys, 20))]
        for n in range(16)
    ]
    await asyncio.gather(*[merge(pool, *chunk) for chunk in chunks])
    current, history = await stored(pool)
    assert len(current) + len(history) == 16 * 20
    assert all(position == max([position, *(p for k, p in history if k == key)]) for key, position in current.items())
