"""Numeric regimes of region days that the seed commands write, and those that their joint step starts from.

The live path's rows are written with its revisions. Both may stand beside each other: the origin is part of the key.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import event_id
from stream_app.store import vectors
from stream_app.store.database import Connection
from stream_app.store.origins import BACKFILL, Origin, Standing

STANDING = """
    SELECT as_of_date, origin, regime_embedding FROM regimes
    WHERE region = $1 AND as_of_date BETWEEN $2 AND $3 AND model_id = $4 AND instruments = $5::text[]
        AND origin = 'backfill'
"""
COLUMNS = (
    "regime_record_id",
    "as_of_date",
    "region",
    "model_id",
    "instruments",
    "regime_label",
    "confidence",
    "regime_embedding",
    "metadata",
    "origin",
)
INCOMING = "CREATE TEMP TABLE IF NOT EXISTS incoming_regimes (LIKE regimes INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
MERGE = f"""
    INSERT INTO regimes ({", ".join(COLUMNS)}) SELECT {", ".join(COLUMNS)} FROM incoming_regimes ORDER BY as_of_date
    ON CONFLICT (region, as_of_date, model_id, instruments, origin) DO UPDATE SET
        regime_label = excluded.regime_label, confidence = excluded.confidence,
        regime_embedding = excluded.regime_embedding, metadata = excluded.metadata
"""
EMPTY_INCOMING = "TRUNCATE incoming_regimes"
REMOVE = """
    DELETE FROM regimes
    WHERE region = $1 AND model_id = $2 AND instruments = $3::text[] AND as_of_date = ANY($4::date[])
        AND origin = 'backfill'
"""
WANTED = """
    region = ANY($1::text[]) AND model_id = $2
        AND ($3::text[] IS NULL OR (instruments @> $3::text[] AND instruments <@ $3::text[]))
"""
DAYS = f"""
    SELECT region, array_agg(DISTINCT as_of_date ORDER BY as_of_date) AS days FROM regimes
    WHERE {WANTED} AND as_of_date BETWEEN $4 AND $5
    GROUP BY region
"""


def one_a_day(columns: str, chosen: str) -> str:
    """SQL for the one regime that a region's day has in a numeric model, of the rows that are chosen, by these columns.

    It is the worker's where there is one. Of those that seed commands filled in, it is the one whose instruments a sort
    puts first.
    """
    return f"""
        SELECT DISTINCT ON (region, as_of_date, model_id) {columns} FROM regimes WHERE {chosen}
        ORDER BY region, as_of_date, model_id, origin = 'live' DESC, instruments
    """


_ONE_A_DAY = one_a_day(
    "region, as_of_date, instruments, origin, regime_embedding", f"{WANTED} AND as_of_date BETWEEN $4 AND $5"
)
ONE_OF_DAYS = f"{_ONE_A_DAY} LIMIT $6"
OF_DAYS = f"""
    SELECT region, as_of_date, instruments, origin, regime_embedding FROM regimes
    WHERE {WANTED} AND as_of_date = ANY($4::date[])
    ORDER BY region, as_of_date, origin, instruments
"""

Record = tuple[object, ...]
"""A row of COLUMNS."""


@dataclass(frozen=True, slots=True)
class Regimes:
    """What a region's regimes have in common: whose they are, their model and instruments, label and confidence."""

    region: str
    model_id: str
    instruments: tuple[str, ...]
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which regimes: of regions and a numeric model; of these instruments alone, in any order, if they are
    named."""

    regions: Sequence[str]
    model_id: str
    instruments: Sequence[str] | None

    def parameters(self) -> tuple[object, ...]:
        """The values for the placeholders $1 to $3."""
        return list(self.regions), self.model_id, None if self.instruments is None else list(self.instruments)


@dataclass(frozen=True, slots=True)
class RegimeRow:
    """One stored regime; `vector` is in pgvector's binary form."""

    region: str
    as_of: dt.date
    instruments: list[str]
    origin: Origin
    vector: bytes


async def standing(connection: Connection, of: Regimes, first: dt.date, last: dt.date) -> dict[dt.date, Standing]:
    """The seed commands' own regimes between two dates (inclusive)."""
    rows = await connection.fetch(STANDING, of.region, first, last, of.model_id, list(of.instruments))
    return {row[0]: Standing(*row[1:]) for row in rows}


def records(of: Regimes, days: Sequence[dt.date], stale: Sequence[bool], matrix: NDArray[np.float32]) -> list[Record]:
    """The regimes of days as `append` and `put` take them; the matrix is (n, 384)."""
    instruments = list(of.instruments)
    return [
        (
            event_id("regime", of.region, day, of.model_id, BACKFILL, *instruments),
            day,
            of.region,
            of.model_id,
            instruments,
            of.label,
            of.confidence,
            vector,
            {"stale": is_stale},
            BACKFILL,
        )
        for day, is_stale, vector in zip(days, stale, vectors.to_rows(matrix), strict=True)
    ]


async def append(connection: Connection, new: Sequence[Record]) -> None:
    """Add the seed commands' regimes that are likely new, within `appending`."""
    await connection.copy_records_to_table("regimes", records=new, columns=COLUMNS)


async def put(connection: Connection, new: Sequence[Record]) -> None:
    """Insert or replace the seed commands' regimes; needs an open transaction."""
    await connection.execute(INCOMING)
    await connection.copy_records_to_table("incoming_regimes", records=new, columns=COLUMNS)
    await connection.execute(MERGE)
    await connection.execute(EMPTY_INCOMING)


async def remove(connection: Connection, of: Regimes, gone: Sequence[dt.date]) -> None:
    """Delete the seed commands' regimes of days of which no instrument has enough rows any more."""
    await connection.execute(REMOVE, of.region, of.model_id, list(of.instruments), list(gone))


async def days(connection: Connection, wanted: Wanted, first: dt.date, last: dt.date) -> dict[str, list[dt.date]]:
    """Each region's days, ascending, between two dates (inclusive) that have a regime; a region without is left out."""
    rows = await connection.fetch(DAYS, *wanted.parameters(), first, last)
    return {row["region"]: row["days"] for row in rows}


async def one_of_days(
    connection: Connection, wanted: Wanted, first: dt.date, last: dt.date, most: int
) -> list[RegimeRow]:
    """The one regime of each region's day between two dates (inclusive), as `one_a_day` says, by region and day; the
    first so many."""
    rows = await connection.fetch(ONE_OF_DAYS, *wanted.parameters(), first, last, most)
    return [RegimeRow(*row) for row in rows]


async def of_days(connection: Connection, wanted: Wanted, chosen: Sequence[dt.date]) -> list[RegimeRow]:
    """Every regime of days, by region and day."""
    rows = await connection.fetch(OF_DAYS, *wanted.parameters(), list(chosen))
    return [RegimeRow(*row) for row in rows]
