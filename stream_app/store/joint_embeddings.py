"""The newest joint vector of each day, as the seed commands write it. The live path writes it with its revisions."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from stream_app.store.database import Connection
from stream_app.store.origins import BACKFILL, MAY_REPLACE, Standing

STANDING = """
    SELECT region, as_of_date, origin, vector FROM joint_embeddings
    WHERE joint_type = 'REGIME_CONTEXT_V0' AND region = ANY($1::text[]) AND as_of_date BETWEEN $2 AND $3
        AND model_id = $4
"""
COLUMNS = ("as_of_date", "region", "entity_scope", "model_id", "vector", "origin")
INCOMING = """
    CREATE TEMP TABLE IF NOT EXISTS incoming_joint (
        as_of_date date, region text COLLATE "C", entity_scope jsonb, model_id text, vector vector(384), origin text
    ) ON COMMIT DELETE ROWS
"""
MERGE = f"""
    INSERT INTO joint_embeddings AS stored ({", ".join(COLUMNS)})
    SELECT {", ".join(COLUMNS)} FROM incoming_joint ORDER BY region, as_of_date
    ON CONFLICT (joint_type, region, as_of_date, model_id) DO UPDATE SET
        entity_scope = excluded.entity_scope, vector = excluded.vector, origin = excluded.origin
    WHERE {MAY_REPLACE}
"""
EMPTY_INCOMING = "TRUNCATE incoming_joint"
FILLED = """
    SELECT region, as_of_date FROM joint_embeddings
    WHERE joint_type = 'REGIME_CONTEXT_V0' AND region = ANY($1::text[]) AND as_of_date BETWEEN $2 AND $3
        AND model_id = $4 AND origin = 'backfill'
"""
REMOVE = """
    DELETE FROM joint_embeddings j USING unnest($1::text[], $2::date[]) AS gone (region, as_of_date)
    WHERE j.joint_type = 'REGIME_CONTEXT_V0' AND j.region = gone.region AND j.as_of_date = gone.as_of_date
        AND j.model_id = $3 AND j.origin = 'backfill'
"""
OF_OTHERS = """
    SELECT model_id, entity_scope->>'numeric_model_id', entity_scope->>'text_model_id' FROM joint_embeddings
    WHERE model_id = $1 AND (entity_scope->>'numeric_model_id' <> $2 OR entity_scope->>'text_model_id' <> $3)
    LIMIT 1
"""

Record = tuple[object, ...]
"""A row of COLUMNS."""


@dataclass(frozen=True, slots=True)
class MadeOf:
    """The model of a joint vector, and those of its halves."""

    model_id: str
    numeric_model_id: str
    text_model_id: str


async def of_others(connection: Connection, made_of: MadeOf) -> MadeOf | None:
    """What some vector under the joint model's id is made of, if of other halves; an older release's do not tell."""
    row = await connection.fetchrow(OF_OTHERS, made_of.model_id, made_of.numeric_model_id, made_of.text_model_id)
    return row and MadeOf(*row)


async def standing(
    connection: Connection, model_id: str, regions: Sequence[str], first: dt.date, last: dt.date
) -> dict[tuple[str, dt.date], Standing]:
    """What is stored of regions between two dates (inclusive), whatever its origin."""
    rows = await connection.fetch(STANDING, list(regions), first, last, model_id)
    return {(row[0], row[1]): Standing(*row[2:]) for row in rows}


async def filled(
    connection: Connection, model_id: str, regions: Sequence[str], first: dt.date, last: dt.date
) -> list[tuple[str, dt.date]]:
    """The (region, day) pairs between two dates (inclusive) that the seed commands have filled in."""
    return [(row[0], row[1]) for row in await connection.fetch(FILLED, list(regions), first, last, model_id)]


async def remove(connection: Connection, model_id: str, gone: Sequence[tuple[str, dt.date]]) -> None:
    """Delete what the seed commands filled in of (region, day) pairs that lack a half by now."""
    regions, days = zip(*gone, strict=True)
    await connection.execute(REMOVE, list(regions), list(days), model_id)


def records(made_of: MadeOf, keys: Sequence[tuple[str, dt.date]], rows: Sequence[bytes]) -> list[Record]:
    """The rows of (region, day) pairs as `append` and `put` take them; the vectors are in pgvector's binary form."""
    halves = {"numeric_model_id": made_of.numeric_model_id, "text_model_id": made_of.text_model_id}
    scopes = {region: {"region": region, "source": "regime+news"} | halves for region, _ in keys}
    return [
        (day, region, scopes[region], made_of.model_id, vector, BACKFILL)
        for (region, day), vector in zip(keys, rows, strict=True)
    ]


async def append(connection: Connection, new: Sequence[Record]) -> None:
    """Add rows that are likely new, within `appending`."""
    await connection.copy_records_to_table("joint_embeddings", records=new, columns=COLUMNS)


async def put(connection: Connection, new: Sequence[Record]) -> None:
    """Insert rows, or replace what is not live; needs an open transaction."""
    await connection.execute(INCOMING)
    await connection.copy_records_to_table("incoming_joint", records=new, columns=COLUMNS)
    await connection.execute(MERGE)
    await connection.execute(EMPTY_INCOMING)
