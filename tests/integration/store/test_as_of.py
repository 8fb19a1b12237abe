"""Series and articles as of every possible cut, against the rule of DESIGN.md section 5 in plain Python."""

import datetime as dt
import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from schemas import TopicCut
from stream_app.regime.text import content_hash
from stream_app.store import news, prices, versions
from stream_app.store.database import Connection, Pool, connection, transaction
from stream_app.store.news import NewsSelection
from stream_app.store.versions import NEWS, PRICES, VersionedTable
from tests.integration.store.rows import SEEDED, Position, article, is_below, position_of, price

Row = tuple[Any, ...]

EPOCHS, PARTITIONS, RECORDS = (1, 2), 2, 9
INSTRUMENTS = ("A", "B", "Z")
FIRST = dt.date(2008, 9, 15)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(4)]
MIDNIGHT = dt.datetime(2008, 9, 15, tzinfo=dt.UTC)
INSTANTS = [MIDNIGHT + n * dt.timedelta(hours=9) + n % 2 * dt.timedelta(microseconds=1) for n in range(8)]


def log(chance: random.Random) -> Iterator[Position]:
    """Every position of two partitions in two epochs, timestamps never falling within a partition."""
    for epoch, partition in itertools.product(EPOCHS, range(PARTITIONS)):
        time = 0
        for offset in range(RECORDS):
            time += chance.choice((0, 0, 1, 5))
            yield Position(epoch, time, partition, offset)


def every_cut() -> Iterator[TopicCut]:
    for epoch in EPOCHS:
        for offsets in itertools.product(range(RECORDS + 1), repeat=PARTITIONS):
            yield TopicCut(epoch=epoch, offsets=offsets)
        yield TopicCut(epoch=epoch, offsets=(RECORDS,))  # it does not know the second partition


async def apply_in_any_order(pool: Pool, table: VersionedTable, rows: list[Row], chance: random.Random) -> None:
    """The partitions' chunks as two workers might interleave them."""
    queues = {
        partition: [row for row in rows if position_of(row).partition == partition] for partition in range(PARTITIONS)
    }
    while any(queues.values()):
        partition = chance.choice([p for p, queue in queues.items() if queue])
        size = chance.randint(1, 4)
        chunk, queues[partition] = queues[partition][:size], queues[partition][size:]
        async with transaction(pool) as conn:
            await versions.merge(conn, table, chunk)


def newest_below(rows: list[Row], keys: int, cut: TopicCut) -> dict[Row, Row]:
    found: dict[Row, Row] = {}
    for row in rows:
        key = row[:keys]
        if is_below(position_of(row), cut) and (key not in found or position_of(row) > position_of(found[key])):
            found[key] = row
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_a_series_at_every_cut_is_the_newest_version_below_it(pool: Pool, seed: int) -> None:
    chance = random.Random(seed)
    rows = []
    for number, position in enumerate(log(chance)):
        retracted = chance.random() < 0.2
        close = None if retracted else float(number + 1)
        rows.append(price(chance.choice(INSTRUMENTS[:2]), chance.choice(DAYS), close, position, retracted=retracted))
    seeds = [price("A", day, 0.5, SEEDED) for day in DAYS]
    async with transaction(pool) as conn:
        await versions.merge(conn, PRICES, seeds)
    await apply_in_any_order(pool, PRICES, rows, chance)
    first, last = DAYS[0], DAYS[-2]
    async with connection(pool) as conn:
        for cut in every_cut():
            expected = {
                (name, day): (row[5], row[7])
                for (name, day), row in newest_below(seeds + rows, 2, cut).items()
                if first <= day <= last and not row[10]
            }
            series = await prices.series_as_of(conn, INSTRUMENTS, first, last, cut)
            found = {
                (name, day): (close, volume)
                for name, s in series.items()
                for day, close, volume in zip(s.dates.tolist(), s.closes.tolist(), s.volumes.tolist(), strict=True)
            }
            assert found == expected, cut
            assert all((s.dates[1:] > s.dates[:-1]).all() for s in series.values())
            await check_prices_above(conn, rows, first, last, cut)


def with_origins(chance: random.Random) -> Iterator[tuple[Position, Position | None]]:
    """The positions of a log; some records come from an earlier one of their partition, or from the epoch before."""
    before: list[Position] = []
    for position in log(chance):
        earlier = [p for p in before if p.epoch < position.epoch or p.partition == position.partition]
        yield position, chance.choice(earlier) if earlier and chance.random() < 0.4 else None
        before.append(position)


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_sent_again_is_ordered_by_its_origin_and_cut_by_its_own_place(pool: Pool, seed: int) -> None:
    chance = random.Random(seed)
    placed: list[tuple[Row, Row, tuple[Position, Position]]] = []
    for number, (own, origin) in enumerate(with_origins(chance)):
        day = chance.choice(DAYS[:2])
        columns = origin or (None,) * 4
        at = MIDNIGHT + dt.timedelta(hours=chance.randrange(40))
        rows = (*price("A", day, number + 1.0, own), *columns), (*article("a", at, own, headline=str(number)), *columns)
        placed.append((*rows, (origin or own, own)))
    chance.shuffle(placed)
    for start in range(0, len(placed), 5):
        async with transaction(pool) as conn:
            chunk = placed[start : start + 5]
            await versions.merge(conn, PRICES, [], [row for row, _, _ in chunk])
            await versions.merge(conn, NEWS, [], [row for _, row, _ in chunk])
    selection = NewsSelection("utc_date", dt.date.min, dt.date.max, ("EN",), None)
    async with connection(pool) as conn:
        for cut in every_cut():
            below = sorted((entry for entry in placed if is_below(entry[2][1], cut)), key=lambda entry: entry[2])
            series = await prices.series_as_of(conn, ["A"], DAYS[0], DAYS[-1], cut)
            found = zip(series["A"].dates.tolist(), series["A"].closes.tolist(), strict=True) if series else ()
            assert dict(found) == {row[1]: row[5] for row, _, _ in below}, cut
            articles = await news.articles_as_of(conn, selection, cut)
            assert [a.content_hash for a in articles] == [content_hash(row[6]) for _, row, _ in below[-1:]], cut


async def check_prices_above(conn: Connection, rows: list[Row], first: dt.date, last: dt.date, cut: TopicCut) -> None:
    above = await prices.versions_above(conn, INSTRUMENTS, first, last, cut)
    expected = {
        (row[0], row[1], p.epoch, p.partition, p.offset)
        for row in rows
        if first <= row[1] <= last and not is_below(p := position_of(row), cut)
    }
    assert {(v.instrument_id, v.trade_date, v.log_epoch, v.log_partition, v.log_offset) for v in above} == expected


def selections() -> Iterator[NewsSelection]:
    for languages, tags in ((("en",), None), (("EN", "de"), ("UK", "GB"))):
        yield NewsSelection("session", INSTANTS[1], INSTANTS[6], languages, tags)
        yield NewsSelection("utc_date", DAYS[1], DAYS[2], languages, tags)


def is_selected(row: Row, selection: NewsSelection) -> bool:
    _, published_at, news_date, _, _, language, _, _, regions, _, _, retracted, *_ = row
    if retracted or language is None or language.upper() not in {name.upper() for name in selection.languages}:
        return False
    if selection.tags is not None and regions and not set(regions) & set(selection.tags):
        return False
    if selection.news_day == "session":
        return bool(selection.after < published_at <= selection.until)
    return bool(selection.after <= news_date <= selection.until)


@pytest.mark.parametrize("seed", range(3))
async def test_the_articles_at_every_cut_are_the_newest_versions_below_it_that_are_selected(
    pool: Pool, seed: int
) -> None:
    chance = random.Random(seed)
    rows = []
    for number, position in enumerate(log(chance)):
        retracted = chance.random() < 0.2
        rows.append(
            article(
                chance.choice(("a", "B", "c-1", "Ä")),
                None if retracted else chance.choice(INSTANTS),
                position,
                headline=str(number),
                language=chance.choice(("EN", "en", "En", "DE", "fr", None)),
                regions=chance.choice(([], [], ["US"], ["GB", "US"], ["UK"])),
                retracted=retracted,
            )
        )
    seeds = [article(name, INSTANTS[3], SEEDED, headline="seed") for name in ("a", "seeded only")]
    async with transaction(pool) as conn:
        await versions.merge(conn, NEWS, seeds)
    await apply_in_any_order(pool, NEWS, rows, chance)
    async with connection(pool) as conn:
        for cut, selection in itertools.product(every_cut(), selections()):
            newest = newest_below(seeds + rows, 1, cut).values()
            expected = sorted((row[0].encode(), content_hash(row[6])) for row in newest if is_selected(row, selection))
            found = await news.articles_as_of(conn, selection, cut)
            assert [(a.article_id.encode(), a.content_hash) for a in found] == expected, (cut, selection)


async def test_versions_above_a_cut_are_found_by_their_range_or_their_article(pool: Pool) -> None:
    below, moved = Position(1, 1, 0, 0), Position(1, 2, 0, 1)
    far = INSTANTS[7] + dt.timedelta(days=30)
    async with transaction(pool) as conn:
        await versions.merge(conn, NEWS, [article("moved", INSTANTS[2], below), article("other", far, below)])
    async with transaction(pool) as conn:
        await versions.merge(
            conn,
            NEWS,
            [article("moved", far, moved), article("new", INSTANTS[2], Position(1, 3, 0, 2), regions=["US"])],
        )
        cut = TopicCut(epoch=1, offsets=(1,))
        selection = NewsSelection("session", INSTANTS[0], INSTANTS[6], ("EN",), None)
        by_range = await news.versions_above(conn, selection, [], cut)
        with_article = await news.versions_above(conn, selection, ["moved"], cut)
    assert [(v.article_id, v.log_offset, v.tags) for v in by_range] == [("new", 2, ("US",))]
    assert {v.article_id: v.published_at for v in with_article} == {"new": INSTANTS[2], "moved": far}


async def test_a_series_now_leaves_out_what_was_retracted_and_what_is_older_than_asked(pool: Pool) -> None:
    at = [Position(1, n, 0, n) for n in range(6)]
    async with transaction(pool) as conn:
        rows = [price("A", day, 1.0 + n, at[n]) for n, day in enumerate(DAYS)]
        await versions.merge(conn, PRICES, rows)
    async with transaction(pool) as conn:
        await versions.merge(conn, PRICES, [price("A", DAYS[2], None, at[4], retracted=True)])
        series = await prices.current_series(conn, {"A": (DAYS[1], DAYS[3]), "nowhere": (DAYS[0], DAYS[3])})
        priced = await prices.priced_dates(conn, ["A", "B"], DAYS[0], DAYS[2])
    assert list(series) == ["A"]
    assert (series["A"].dates.tolist(), series["A"].closes.tolist()) == ([DAYS[1], DAYS[3]], [2.0, 4.0])
    assert priced == {DAYS[0], DAYS[1]}
