"""Contexts: append-only revisions, the newest of each day beside them, and the region's numeric regime."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas import JointRegimeContext
from stream_app.store import revision_rows, signals
from stream_app.store.database import Connection

LAST = """
    SELECT DISTINCT ON (as_of_date) as_of_date, revision, inputs_hash FROM joint_embedding_revisions
    WHERE region = $1 AND model_id = $2 AND as_of_date = ANY($3::date[]) ORDER BY as_of_date, revision DESC
"""
NEWEST = """
    SELECT DISTINCT ON (as_of_date) as_of_date, payload FROM joint_embedding_revisions
    WHERE region = $1 AND model_id = $2 AND as_of_date = ANY($3::date[]) ORDER BY as_of_date, revision DESC
"""
PUBLISH_AGAIN = """
    UPDATE joint_embedding_revisions SET published = false
    WHERE region = $1 AND model_id = $2 AND as_of_date = ANY($3::date[])
"""
SHOW_NEWEST = """
    INSERT INTO joint_embeddings AS j (as_of_date, region, entity_scope, model_id, revision, vector)
    SELECT DISTINCT ON (r.as_of_date) r.as_of_date, r.region,
        jsonb_build_object('region', r.region, 'source', 'regime+news', 'numeric_model_id', $5::text,
            'text_model_id', $6::text), r.model_id, r.revision, r.vector
    FROM joint_embedding_revisions r
    JOIN unnest($3::date[], $4::int[]) AS u (as_of_date, revision) USING (as_of_date, revision)
    WHERE r.region = $1 AND r.model_id = $2 AND r.vector IS NOT NULL
    ORDER BY r.as_of_date, r.revision DESC
    ON CONFLICT (joint_type, region, as_of_date, model_id) DO UPDATE SET
        entity_scope = excluded.entity_scope, revision = excluded.revision, vector = excluded.vector, origin = 'live'
"""
DROP_ABSENT = """
    DELETE FROM joint_embeddings WHERE joint_type = 'REGIME_CONTEXT_V0' AND region = $1 AND model_id = $2
        AND as_of_date = ANY($3::date[])
"""
DROP_REGIMES = """
    DELETE FROM regimes WHERE region = $1 AND model_id = $2 AND as_of_date = ANY($3::date[]) AND origin = 'live'
"""
UNPUBLISHED = """
    SELECT payload FROM joint_embedding_revisions WHERE region = $1 AND NOT published ORDER BY sequence LIMIT $2
"""
ARE_UNPUBLISHED = """
    SELECT EXISTS (SELECT 1 FROM joint_embedding_revisions WHERE region = $1 AND NOT published)
        OR EXISTS (SELECT 1 FROM regime_transition_revisions WHERE region = $1 AND NOT published)
"""
MARK_PUBLISHED = """
    UPDATE joint_embedding_revisions r SET published = true
    FROM unnest($2::date[], $3::text[], $4::int[]) AS u (as_of_date, model_id, revision)
    WHERE r.region = $1 AND r.as_of_date = u.as_of_date AND r.model_id = u.model_id AND r.revision = u.revision
"""
AWAITING_PRICE = """
    SELECT DISTINCT r.region, r.as_of_date, r.closed_at FROM joint_embedding_revisions r
    WHERE r.region = ANY($1::text[]) AND r.absent_reason = 'no-price' AND r.closed_at <= $2
        AND NOT EXISTS (
            SELECT 1 FROM joint_embedding_revisions newer
            WHERE newer.region = r.region AND newer.as_of_date = r.as_of_date AND newer.model_id = r.model_id
                AND newer.revision > r.revision)
        AND NOT EXISTS (
            SELECT 1 FROM day_triggers t WHERE t.region = r.region AND t.as_of = r.as_of_date AND t.allow_stale)
    ORDER BY r.region, r.as_of_date
"""
WITHOUT_MODEL = """
    SELECT count(DISTINCT (t.region, t.as_of)) FROM day_triggers t
    WHERE t.computed AND NOT t.superseded
        AND NOT EXISTS (
            SELECT 1 FROM joint_embedding_revisions r
            WHERE r.region = t.region AND r.as_of_date = t.as_of AND r.model_id = $1)
"""
OF_OTHERS = """
    SELECT model_id FROM models m WHERE kind = 'joint' AND model_id <> ALL($1::text[])
        AND EXISTS (SELECT 1 FROM joint_embedding_revisions r WHERE r.model_id = m.model_id)
    ORDER BY model_id COLLATE "C"
"""

_decoder = msgspec.json.Decoder(JointRegimeContext)


@dataclass(frozen=True, slots=True)
class LastRevision:
    """A day's newest revision of one model."""

    revision: int
    inputs_hash: str


@dataclass(frozen=True, slots=True)
class NewContext:
    """A revision to be stored, with the numeric half that a regime row is made of (None: no numeric half)."""

    context: JointRegimeContext
    numeric: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class AwaitingPrice:
    """A day without a price, and its scheduled close plus grace, from which the deadline counts."""

    region: str
    as_of: dt.date
    closed_at: dt.datetime


async def last_revisions(
    connection: Connection, region: str, model_id: str, days: Sequence[dt.date]
) -> dict[dt.date, LastRevision]:
    """The newest revision of each day that has one."""
    rows = await connection.fetch(LAST, region, model_id, list(days))
    return {row["as_of_date"]: LastRevision(row["revision"], row["inputs_hash"]) for row in rows}


async def append(
    connection: Connection, new: Sequence[NewContext], *, published: bool = False, recomputed: bool = False
) -> None:
    """Append revisions of one region and the same models, oldest first, and bring the newest-of-the-day tables along.

    `published` ones are never sent; `recomputed` ones are of triggers that were computed before. Needs an open
    transaction that holds the region's lock.
    """
    if not new:
        return
    contexts = [item.context for item in new]
    region, model_id = contexts[0].region, contexts[0].model_id
    rows = await asyncio.to_thread(revision_rows.revisions, contexts, published, recomputed)
    await connection.copy_to_table(
        "joint_embedding_revisions", source=rows, columns=revision_rows.REVISION_COLUMNS, format="binary"
    )
    newest = {item.context.as_of: item for item in new}
    absent = [day for day, item in newest.items() if item.context.vector is None]
    last = [item.context.revision for item in newest.values()]
    halves = contexts[0].numeric_model_id, contexts[0].text_model_id
    await connection.execute(SHOW_NEWEST, region, model_id, list(newest), last, *halves)
    await connection.execute(DROP_ABSENT, region, model_id, absent)
    await _put_regimes(connection, region, list(newest.values()))
    await signals.notify_contexts(connection)


async def _put_regimes(connection: Connection, region: str, newest: Sequence[NewContext]) -> None:
    numeric_model_id = newest[0].context.numeric_model_id
    await connection.execute(DROP_REGIMES, region, numeric_model_id, [item.context.as_of for item in newest])
    known = [(item.context, item.numeric) for item in newest if item.numeric is not None]
    if known:
        rows = await asyncio.to_thread(revision_rows.regimes, region, numeric_model_id, known)
        await connection.copy_to_table("regimes", source=rows, columns=revision_rows.REGIME_COLUMNS, format="binary")


async def are_unpublished(connection: Connection, region: str) -> bool:
    """Whether a region has contexts, or transitions, that were not yet sent."""
    return bool(await connection.fetchval(ARE_UNPUBLISHED, region))


async def unpublished(connection: Connection, region: str, limit: int) -> list[tuple[JointRegimeContext, bytes]]:
    """A region's contexts that were not yet sent, in the order in which they were made, with their bytes."""
    rows = await connection.fetch(UNPUBLISHED, region, limit)
    return [(_decoder.decode(row["payload"]), row["payload"]) for row in rows]


async def mark_published(connection: Connection, region: str, contexts: Sequence[JointRegimeContext]) -> None:
    """Note that these are on the topic."""
    days, models = [c.as_of for c in contexts], [c.model_id for c in contexts]
    await connection.execute(MARK_PUBLISHED, region, days, models, [c.revision for c in contexts])


async def count(connection: Connection) -> int:
    """How many revisions there are."""
    return int(await connection.fetchval("SELECT count(*) FROM joint_embedding_revisions"))


async def days_without(connection: Connection, model_id: str) -> int:
    """How many days were computed and have no revision of a model: it was not in use then."""
    return int(await connection.fetchval(WITHOUT_MODEL, model_id))


async def models_beside(connection: Connection, model_ids: Sequence[str]) -> list[str]:
    """The other joint models that have revisions."""
    return [row["model_id"] for row in await connection.fetch(OF_OTHERS, list(model_ids))]


async def publish_again(connection: Connection, region: str, model_id: str, days: Sequence[dt.date]) -> None:
    """Let every revision of these days be sent again."""
    await connection.execute(PUBLISH_AGAIN, region, model_id, list(days))


async def newest(
    connection: Connection, region: str, model_id: str, days: Sequence[dt.date]
) -> dict[dt.date, JointRegimeContext]:
    """The newest revision of each day that has one, as it was published."""
    rows = await connection.fetch(NEWEST, region, model_id, list(days))
    return {row["as_of_date"]: _decoder.decode(row["payload"]) for row in rows}


async def days_awaiting_price(
    connection: Connection, regions: Sequence[str], closed_before: dt.datetime
) -> list[AwaitingPrice]:
    """The days closed before an instant whose context is absent for want of a price that is still waited for."""
    return [AwaitingPrice(*row) for row in await connection.fetch(AWAITING_PRICE, list(regions), closed_before)]
