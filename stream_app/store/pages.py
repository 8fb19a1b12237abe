"""A page of a region's days: each day's newest revision, now or as it was known at an instant, from a day on."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.store import vectors
from stream_app.store.chosen import KNOWN
from stream_app.store.database import Connection
from stream_app.store.exported import DayChunk, ExportedDay, context_of, day

Order = Literal["asc", "desc"]

# As in an export: a day that has a revision is told by it alone, and one that a seed command filled in only as of now.
# A live day's vector is in its payload, where it need not be read a second time. What a page reads does not grow with
# the region's history: under an outer ORDER BY Postgres would sort all of it (13 ms instead of 0.4 for 9,000 days), so
# the days come in the order of the subquery, and those that were filled in are looked for only as far as a full page
# reaches.
_PAGE = f"""
    WITH live AS (
        SELECT region, as_of_date, model_id, 'live' AS origin, summary,
            CASE WHEN $8 OR summary IS NULL THEN payload END AS payload, NULL::jsonb AS entity_scope,
            NULL::vector AS vector
        FROM (
            SELECT DISTINCT ON (as_of_date) * FROM joint_embedding_revisions r
            WHERE region = $2 AND model_id = $1 AND as_of_date BETWEEN $3 AND $4
                AND ($5::timestamptz IS NULL OR {KNOWN})
            ORDER BY as_of_date {{order}}, revision DESC
        ) AS newest
        WHERE $6 OR absent_reason IS NULL LIMIT $7
    ), filled AS (
        SELECT region, as_of_date, model_id, origin, NULL::bytea, NULL::bytea, entity_scope, vector
        FROM joint_embeddings AS filled
        WHERE joint_type = 'REGIME_CONTEXT_V0' AND region = $2 AND model_id = $1 AND origin = 'backfill'
            AND as_of_date BETWEEN {{first}} AND {{last}} AND $5::timestamptz IS NULL AND NOT EXISTS (
                SELECT 1 FROM joint_embedding_revisions r
                WHERE r.region = filled.region AND r.as_of_date = filled.as_of_date AND r.model_id = filled.model_id)
        ORDER BY as_of_date {{order}} LIMIT $7
    )
    SELECT * FROM live UNION ALL SELECT * FROM filled ORDER BY as_of_date {{order}} LIMIT $7
"""
_REACH = "coalesce((SELECT CASE WHEN count(*) >= $7 THEN {farthest}(as_of_date) END FROM live), {bound})"
PAGES: Mapping[Order, str] = {
    "asc": _PAGE.format(order="ASC", first="$3", last=_REACH.format(farthest="max", bound="$4")),
    "desc": _PAGE.format(order="DESC", first=_REACH.format(farthest="min", bound="$3"), last="$4"),
}


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which days of a region, at most `limit`, in which order; `absent`: also those without a vector.

    `whole`: each by its payload. Else by its summary alone, or by its payload where an older release has stored none.
    """

    model_id: str
    region: str
    first: dt.date = dt.date.min
    last: dt.date = dt.date.max
    known_at: dt.datetime | None = None
    absent: bool = True
    limit: int = 100
    order: Order = "asc"
    whole: bool = True

    def parameters(self) -> tuple[object, ...]:
        """The values for the placeholders of PAGES."""
        days = (self.model_id, self.region, self.first, self.last, self.known_at, self.absent, self.limit)
        return (*days, self.whole)


async def page(connection: Connection, query: PageQuery) -> Sequence[Any]:
    """The rows of a page, in its order: of NEWEST's columns in `exported`, a live day's vector in its payload alone.

    Beside them `summary`; of a page that is not `whole` a live day may have no payload.
    """
    sql = PAGES[query.order]
    rows: Sequence[Any] = await connection.fetch(sql, *query.parameters())
    return rows


def chunk(rows: Sequence[Any]) -> DayChunk:
    """The days of a whole page's rows, as an export has them."""
    days = [_day(row) for row in rows]
    matrix = np.full((len(days), DIM), np.nan, np.float32)
    for place, each in enumerate(days):
        if each.vector is not None:
            matrix[place] = each.vector
    return DayChunk(days, matrix)


def _day(row: Any) -> ExportedDay:
    context = context_of(row)
    vector: NDArray[np.float32] | None = None
    if context is not None and context.vector is not None:
        vector = context.vector.numpy()
    elif row["vector"] is not None:
        vector = vectors.from_rows([row["vector"]], DIM)[0]
    return day(row, context, vector)
