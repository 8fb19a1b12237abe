"""Rows put together for COPY arrive as the values that they were made of."""

import datetime as dt
from itertools import repeat

import numpy as np

from schemas import DIM
from stream_app.store import copying, vectors
from stream_app.store.database import Pool, jsonb, transaction

TABLE = """
    CREATE TEMP TABLE copied (
        word text, words text[], number integer, day date, instant timestamptz, share double precision, yes boolean,
        data bytea, object jsonb, vector vector(384)
    ) ON COMMIT DROP
"""
WORDS = ["", "Zürich", "a\tb\\N\n"]
LISTS = [[], ["A"], ["A", "", "ÄÖ"]]
NUMBERS = [0, -(2**31), 2**31 - 1]
DAYS = [dt.date(1678, 1, 1), dt.date(2000, 1, 1), dt.date(2261, 12, 31)]
INSTANTS = [
    dt.datetime(1678, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2008, 9, 15, 21, 59, 59, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
    dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
]
SHARES = [1.0, 0.1, -5e-324]
MATRIX = np.random.default_rng(0).normal(size=(3, DIM)).astype(np.float32)


async def test_values_of_every_kind_come_back_as_they_were(pool: Pool) -> None:
    rows = copying.file(
        [
            map(copying.text, WORDS),
            map(copying.texts, LISTS),
            map(copying.integer, NUMBERS),
            map(copying.date, DAYS),
            map(copying.instant, INSTANTS),
            map(copying.double, SHARES),
            map(copying.boolean, (True, False, True)),
            [copying.NULL, copying.raw(b""), copying.raw(b"\x00\xff")],
            repeat(copying.raw(jsonb({"stale": True}))),
            copying.vector_fields(MATRIX),
        ]
    )
    async with transaction(pool) as conn:
        await conn.execute(TABLE)
        await conn.copy_to_table("copied", source=rows, format="binary")
        found = [tuple(row) for row in await conn.fetch("SELECT * FROM copied")]
    values = (WORDS, LISTS, NUMBERS, DAYS, INSTANTS, SHARES, (True, False, True), (None, b"", b"\x00\xff"))
    expected = zip(*values, repeat({"stale": True}), vectors.to_rows(MATRIX), strict=False)
    assert found == list(expected)


async def test_text_that_is_missing_is_null(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await conn.execute(TABLE)
        source = copying.file([[copying.text(None)]])
        await conn.copy_to_table("copied", source=source, columns=["word"], format="binary")
        assert await conn.fetchval("SELECT word IS NULL FROM copied")
