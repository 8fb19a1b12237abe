"""Changes of a region's regime label: every revision of them, and the days that change one now."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from schemas import RegimeTransition, encode
from stream_app.store.database import Connection

LAST = """
    SELECT DISTINCT ON (as_of_date) as_of_date, payload FROM regime_transition_revisions
    WHERE region = $1 AND model_id = $2 AND as_of_date = ANY($3::date[]) ORDER BY as_of_date, revision DESC
"""
COLUMNS = (
    "region",
    "as_of_date",
    "model_id",
    "revision",
    "trigger_number",
    "event_id",
    "known_at",
    "from_label",
    "to_label",
    "confidence",
    "withdrawn",
    "fingerprint",
    "payload",
    "published",
    "recomputed",
)
REMOVE = """
    DELETE FROM regime_transitions t
    USING unnest($1::text[], $2::text[], $3::date[]) AS u (region, model_id, as_of_date)
    WHERE t.region = u.region AND t.model_id = u.model_id AND t.as_of_date = u.as_of_date
"""
SHOW_NEWEST = """
    INSERT INTO regime_transitions AS t
        (region, model_id, as_of_date, from_label, to_label, confidence, revision, created_at, fingerprint)
    SELECT DISTINCT ON (r.region, r.model_id, r.as_of_date)
        r.region, r.model_id, r.as_of_date, r.from_label, r.to_label, r.confidence, r.revision, r.known_at,
        r.fingerprint
    FROM regime_transition_revisions r
    JOIN unnest($1::text[], $2::text[], $3::date[]) AS u (region, model_id, as_of_date)
        USING (region, model_id, as_of_date)
    ORDER BY r.region, r.model_id, r.as_of_date, r.revision DESC
    ON CONFLICT (region, model_id, as_of_date) DO UPDATE SET
        from_label = excluded.from_label, to_label = excluded.to_label, confidence = excluded.confidence,
        revision = excluded.revision, created_at = excluded.created_at, fingerprint = excluded.fingerprint
"""
UNPUBLISHED = """
    SELECT payload FROM regime_transition_revisions WHERE region = $1 AND NOT published ORDER BY sequence LIMIT $2
"""
MARK_PUBLISHED = """
    UPDATE regime_transition_revisions r SET published = true
    FROM unnest($2::date[], $3::text[], $4::int[]) AS u (as_of_date, model_id, revision)
    WHERE r.region = $1 AND r.as_of_date = u.as_of_date AND r.model_id = u.model_id AND r.revision = u.revision
"""
PUBLISH_AGAIN = """
    UPDATE regime_transition_revisions SET published = false
    WHERE region = $1 AND model_id = $2 AND as_of_date = ANY($3::date[])
"""

_decoder = msgspec.json.Decoder(RegimeTransition)


async def last(
    connection: Connection, region: str, model_id: str, days: Sequence[dt.date]
) -> dict[dt.date, RegimeTransition]:
    """The newest revision of each day that ever changed a label, withdrawn or not."""
    rows = await connection.fetch(LAST, region, model_id, list(days))
    return {row["as_of_date"]: _decoder.decode(row["payload"]) for row in rows}


async def append(
    connection: Connection, new: Sequence[RegimeTransition], *, published: bool = False, recomputed: bool = False
) -> None:
    """Append revisions, a day's in their order, and bring the days that change a label now along.

    `published` ones are never sent; `recomputed` ones are of triggers that were computed before, and were not known
    when these were, also where they are a day's first: what labels them was fitted later. Needs an open transaction
    that holds the region's lock.
    """
    if not new:
        return
    records = [
        (
            t.region,
            t.as_of,
            t.model_id,
            t.revision,
            t.trigger_number,
            t.event_id,
            t.known_at,
            t.from_label,
            t.to_label,
            t.confidence,
            t.withdrawn,
            t.fingerprint,
            encode(t),
            published,
            recomputed,
        )
        for t in new
    ]
    await connection.copy_records_to_table("regime_transition_revisions", records=records, columns=COLUMNS)
    newest = {(t.region, t.model_id, t.as_of): t for t in new}
    await connection.execute(REMOVE, *_keys([key for key, t in newest.items() if t.withdrawn]))
    await connection.execute(SHOW_NEWEST, *_keys([key for key, t in newest.items() if not t.withdrawn]))


def _keys(keys: Sequence[tuple[str, str, dt.date]]) -> tuple[list[str], list[str], list[dt.date]]:
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]


async def unpublished(connection: Connection, region: str, limit: int) -> list[tuple[RegimeTransition, bytes]]:
    """A region's revisions that were not yet sent, in the order in which they were made, with their bytes."""
    rows = await connection.fetch(UNPUBLISHED, region, limit)
    return [(_decoder.decode(row["payload"]), row["payload"]) for row in rows]


async def mark_published(connection: Connection, region: str, sent: Sequence[RegimeTransition]) -> None:
    """Note that these are on the topic."""
    if sent:
        days, models = [t.as_of for t in sent], [t.model_id for t in sent]
        await connection.execute(MARK_PUBLISHED, region, days, models, [t.revision for t in sent])


async def publish_again(connection: Connection, region: str, model_id: str, days: Sequence[dt.date]) -> None:
    """Let every revision of these days be sent again."""
    await connection.execute(PUBLISH_AGAIN, region, model_id, list(days))
