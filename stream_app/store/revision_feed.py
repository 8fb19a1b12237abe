"""Revisions in the order in which they were stored, region by region, for who follows them.

A region's revisions are appended under its lock, so they become visible in the order of their sequence. Those of two
regions do not: who follows several keeps a position of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from schemas import JointRegimeContext
from stream_app.store.database import Connection

POSITIONS = """
    SELECT region, coalesce((SELECT max(sequence) FROM joint_embedding_revisions r WHERE r.region = g.region), 0) AS at
    FROM regions g
"""
_AFTER = """
    SELECT r.region, r.sequence, r.payload FROM {regions} CROSS JOIN LATERAL (
        SELECT region, sequence, payload FROM joint_embedding_revisions
        WHERE region = g.region AND sequence > coalesce(g.after, 0){until} ORDER BY sequence LIMIT $3
    ) AS r
    ORDER BY r.sequence LIMIT $3
"""
NEW = _AFTER.format(
    regions="""(
        SELECT region, after FROM regions LEFT JOIN unnest($1::text[], $2::bigint[]) AS known (region, after)
            USING (region)
    ) AS g""",
    until="",
)
BETWEEN = _AFTER.format(
    regions="unnest($1::text[], $2::bigint[], $4::bigint[]) AS g (region, after, until)",
    until=" AND sequence <= g.until",
)

Positions = Mapping[str, int]
"""By region the sequence of the last revision that was read; a region that is not in it has none yet."""

_decoder = msgspec.json.Decoder(JointRegimeContext)


@dataclass(frozen=True, slots=True)
class Followed:
    """A revision with its place among its region's."""

    sequence: int
    context: JointRegimeContext


async def positions(connection: Connection) -> dict[str, int]:
    """Where every region's revisions end now."""
    return {row["region"]: row["at"] for row in await connection.fetch(POSITIONS)}


async def new(connection: Connection, after: Positions, limit: int) -> list[Followed]:
    """The oldest revisions of any region that lie after these positions."""
    rows = await connection.fetch(NEW, list(after), list(after.values()), limit)
    return [Followed(row["sequence"], _decoder.decode(row["payload"])) for row in rows]


async def between(connection: Connection, after: Positions, until: Positions, limit: int) -> list[Followed]:
    """The oldest revisions of the regions of `until` that lie after some positions and not after others."""
    starts = [after.get(region, 0) for region in until]
    rows = await connection.fetch(BETWEEN, list(until), starts, limit, list(until.values()))
    return [Followed(row["sequence"], _decoder.decode(row["payload"])) for row in rows]
