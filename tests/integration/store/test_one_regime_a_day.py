"""Which regime is a region's day's where several are stored: the same for everyone who asks."""

import datetime as dt

import numpy as np

from schemas import DIM
from stream_app.store import evaluated, labelled, regimes, training_halves, vectors
from stream_app.store.database import Connection, Pool, connection
from stream_app.store.labelled import Labelled
from stream_app.store.regimes import Wanted
from stream_app.store.training_halves import NumericSelection
from tests.unit.export.days import FRIDAY, MONDAY

MODEL = "num"
PUT = """
    INSERT INTO regimes (regime_record_id, as_of_date, region, model_id, instruments, regime_label, confidence,
        regime_embedding, origin)
    VALUES ($1::text, $2, 'US', $3, $4, $1, 1, array_fill($5::float, ARRAY[384])::vector, $6)
"""
ROWS = [
    ("b", FRIDAY, MODEL, ["B"], 1.0, "live"),
    ("a", FRIDAY, MODEL, ["A"], 2.0, "backfill"),
    ("z", MONDAY, MODEL, ["A", "Z"], 3.0, "backfill"),
    ("y", MONDAY, MODEL, ["A"], 4.0, "backfill"),
    ("x", MONDAY, "another", ["A"], 5.0, "live"),
]
ANSWER = {FRIDAY: 1.0, MONDAY: 4.0}
"""The worker's on Friday; on Monday that of the instruments that a sort puts first."""


async def asked_by_all(conn: Connection) -> dict[str, dict[dt.date, float]]:
    """Who asks, and of which days they get which vector; each of these has one number all over."""
    shown = await labelled.days(conn, Labelled(None, None, None, [MODEL], 10))
    numbers = {label: number for label, _, _, _, number, _ in ROWS}
    rows = await regimes.one_of_days(conn, Wanted(["US"], MODEL, None), FRIDAY, MONDAY, 10)
    matrix = vectors.from_rows([row.vector for row in rows], DIM)
    space = await evaluated.numeric_space(conn, "US", MODEL)
    assert space is not None
    selection = NumericSelection("US", MODEL, FRIDAY, MONDAY, ["A"])
    async with conn.transaction():
        (page,) = [page async for page in training_halves.numeric_pages(conn, selection)]
    assert await training_halves.count(conn, selection) == len(page.days)
    return {
        "regimes show": {row[0]: numbers[str(row[4])] for row in shown if isinstance(row[0], dt.date)},
        "regimes fit": {row.as_of: number for row, number in zip(rows, matrix[:, 0].tolist(), strict=True)},
        "evaluate": dict(zip(space.dates.tolist(), space.vectors[:, 0].tolist(), strict=True)),
        "train joint": dict(zip(page.days, page.vectors[:, 0].tolist(), strict=True)),
    }


async def test_everyone_gets_the_workers_or_else_the_first_that_was_filled_in(pool: Pool) -> None:
    async with connection(pool) as conn:
        await conn.executemany(PUT, ROWS)
        found = await asked_by_all(conn)
        assert list(found.values()) == [ANSWER] * 4, found
        named = await regimes.one_of_days(conn, Wanted(["US"], MODEL, ["Z", "A"]), FRIDAY, MONDAY, 10)
        assert [(row.as_of, row.instruments) for row in named] == [(MONDAY, ["A", "Z"])]
        assert np.array_equal(vectors.from_rows([named[0].vector], DIM), np.full((1, DIM), 3.0))
