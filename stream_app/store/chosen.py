"""Which contexts are asked for: of a joint model, of some regions and days, and as of an instant.

A revision was known from its `known_at` on, the Kafka time of its trigger: however late it was computed, and however
often the database was filled anew. A replay over stored records computes a trigger again, and what that changes was not
known before it was stored: such a revision counts from then. (Before `recomputed` was noted, all but the first revision
of a trigger were of a replay.) A model's first revision of a day, which a replay fills in, counts from its trigger.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from stream_app.store.database import Connection

CHOSEN = """
    model_id = $1 AND ($2::text[] IS NULL OR region = ANY($2::text[]))
        AND ($3::date IS NULL OR as_of_date >= $3) AND ($4::date IS NULL OR as_of_date <= $4)
"""
KNOWN = """
    r.known_at <= $5::timestamptz AND (r.created_at <= $5::timestamptz OR NOT r.recomputed AND NOT EXISTS (
        SELECT 1 FROM joint_embedding_revisions earlier
        WHERE earlier.region = r.region AND earlier.as_of_date = r.as_of_date AND earlier.model_id = r.model_id
            AND earlier.trigger_number = r.trigger_number AND earlier.revision < r.revision))
"""
"""Whether the revision `r` was known at the instant $5."""
LEFT_OUT = f"""
    SELECT
        (SELECT count(*) FROM joint_embeddings filled
            WHERE joint_type = 'REGIME_CONTEXT_V0' AND origin = 'backfill' AND {CHOSEN} AND NOT EXISTS (
                SELECT 1 FROM joint_embedding_revisions r
                WHERE r.region = filled.region AND r.as_of_date = filled.as_of_date AND r.model_id = filled.model_id
                    AND {KNOWN})),
        (SELECT count(DISTINCT (region, as_of)) FROM day_triggers
            WHERE NOT computed AND known_at <= $5 AND ($2::text[] IS NULL OR region = ANY($2::text[]))
                AND ($3::date IS NULL OR as_of >= $3) AND ($4::date IS NULL OR as_of <= $4)),
        (SELECT min(known_at) FROM joint_embedding_revisions WHERE {CHOSEN}),
        (SELECT count(*) FROM (
            SELECT DISTINCT ON (region, as_of_date) known_at, created_at FROM joint_embedding_revisions r
            WHERE {CHOSEN} AND {KNOWN} ORDER BY region, as_of_date, revision DESC
        ) AS answer JOIN models m ON m.model_id = $1 AND answer.known_at < m.created_at AND answer.created_at > $5),
        (SELECT created_at FROM models WHERE model_id = $1)
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Days of one joint model: None means no bound; `known_at`: as they were known at that instant, else as now."""

    model_id: str
    regions: Sequence[str] | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    known_at: dt.datetime | None = None

    def parameters(self) -> tuple[object, ...]:
        """The values for the placeholders of CHOSEN and KNOWN, $1 to $5."""
        regions = None if self.regions is None else list(self.regions)
        return self.model_id, regions, self.first, self.last, self.known_at


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What an answer as of an instant cannot tell of, or tells though nobody could read it then, among the chosen days.

    `filled_in` days have a vector of a seed command, which says nothing of when it was known, and no revision known
    then. `waiting` ones were closed or amended by then and are still to be computed. `earliest` is when the first of
    all was known. `added_later` days are in the answer, and closed before the model was added to this database, which
    was at `model_since`; None where it is not registered.
    """

    filled_in: int
    waiting: int
    earliest: dt.datetime | None
    added_later: int = 0
    model_since: dt.datetime | None = None


async def left_out(connection: Connection, chosen: Chosen) -> LeftOut | None:
    """What the answer leaves out; None for one that is as of now."""
    if chosen.known_at is None:
        return None
    return LeftOut(*await connection.fetchrow(LEFT_OUT, *chosen.parameters()))
