"""How the days of the regions stand."""

from stream_app.store.database import Connection

NEWEST = """
    SELECT newest.* FROM (
        SELECT DISTINCT region, model_id FROM joint_embeddings WHERE joint_type = 'REGIME_CONTEXT_V0'
    ) AS known CROSS JOIN LATERAL (
        SELECT region, as_of_date AS as_of, model_id, origin, revision, NULL::bytea AS payload FROM joint_embeddings j
        WHERE joint_type = 'REGIME_CONTEXT_V0' AND j.region = known.region AND j.model_id = known.model_id
        ORDER BY as_of_date DESC LIMIT 1
    ) AS newest
"""


async def newest(connection: Connection) -> dict[str, list[dict[str, object]]]:
    """Each region's newest context by model."""
    found: dict[str, list[dict[str, object]]] = {}
    for row in await connection.fetch(NEWEST):
        found.setdefault(row["region"], []).append(
            dict(
                model_id=row["model_id"],
                as_of=row["as_of"],
                origin=row["origin"],
                revision=row["revision"],
                known_at=None,
                regime_label=None,
                regime_confidence=None,
                stale=None,
                absent_reason=None,
                articles=None,
            )
        )
    return found
