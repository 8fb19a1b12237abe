"""Which regions the database has, and each one's newest day of each joint model."""

from collections.abc import Collection

from stream_app.store.database import Connection
from stream_app.store.exported import ExportedDay, context_of, day

# The newest row of joint_embeddings is later than the newest revision only where a seed command has filled it in.
NEWEST = """
    SELECT of_region.region, of_model.model_id, coalesce(live.as_of_date, filled.as_of_date) AS as_of_date,
        CASE WHEN live.payload IS NULL THEN filled.origin ELSE 'live' END AS origin, live.payload, filled.entity_scope
    FROM unnest($1::text[]) AS of_region (region)
    CROSS JOIN (SELECT model_id FROM models WHERE kind = 'joint') AS of_model
    LEFT JOIN LATERAL (
        SELECT as_of_date, origin, entity_scope FROM joint_embeddings j
        WHERE joint_type = 'REGIME_CONTEXT_V0' AND j.region = of_region.region AND j.model_id = of_model.model_id
        ORDER BY as_of_date DESC LIMIT 1
    ) AS filled ON true
    LEFT JOIN LATERAL (
        SELECT as_of_date, payload FROM joint_embedding_revisions r
        WHERE r.region = of_region.region AND r.model_id = of_model.model_id
            AND (filled.as_of_date IS NULL OR r.as_of_date >= filled.as_of_date)
        ORDER BY as_of_date DESC, revision DESC LIMIT 1
    ) AS live ON true
    WHERE live.as_of_date IS NOT NULL OR filled.as_of_date IS NOT NULL
    ORDER BY of_region.region, of_model.model_id
"""
REGIONS = "SELECT region FROM regions ORDER BY region"
IS_STORED = """
    SELECT EXISTS (SELECT 1 FROM regions WHERE region = $1)
        OR EXISTS (SELECT 1 FROM joint_embeddings WHERE joint_type = 'REGIME_CONTEXT_V0' AND region = $1)
"""


async def regions(connection: Connection) -> list[str]:
    """The regions that a worker has run with or that have a trigger."""
    return [row["region"] for row in await connection.fetch(REGIONS)]


async def is_stored(connection: Connection, region: str) -> bool:
    """Whether anything of a region is stored."""
    return bool(await connection.fetchval(IS_STORED, region))


async def newest(connection: Connection, regions: Collection[str]) -> dict[str, list[ExportedDay]]:
    """Each region's newest day of each joint model, by its newest revision; without the vectors."""
    found: dict[str, list[ExportedDay]] = {}
    for row in await connection.fetch(NEWEST, list(regions)):
        found.setdefault(row["region"], []).append(day(row, context_of(row), None))
    return found
