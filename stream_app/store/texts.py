"""Text vectors, computed once a content, and the row that gives an article its own."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.store import vectors
from stream_app.store.database import Connection
from stream_app.store.origins import BACKFILL, LIVE, MAY_REPLACE

GET = "SELECT content_hash, vector FROM text_vectors WHERE fingerprint = $1 AND content_hash = ANY($2::bytea[])"
INCOMING_VECTORS = """
    CREATE TEMP TABLE IF NOT EXISTS incoming_text_vectors (content_hash bytea, fingerprint text, vector vector(384))
    ON COMMIT DELETE ROWS
"""
ADD_VECTORS = """
    INSERT INTO text_vectors (content_hash, fingerprint, vector)
    SELECT content_hash, fingerprint, vector FROM incoming_text_vectors ORDER BY content_hash, fingerprint
    ON CONFLICT DO NOTHING
"""
PUT_CURRENT_EMBEDDINGS = f"""
    INSERT INTO text_embeddings AS stored (source_id, model_id, content_hash, vector, origin)
    SELECT a.article_id, $2, a.content_hash, v.vector, $4
    FROM news_articles a JOIN text_vectors v ON v.content_hash = a.content_hash AND v.fingerprint = $3
    WHERE a.article_id = ANY($1::text[]) AND NOT a.retracted
    ORDER BY a.article_id
    ON CONFLICT (source_type, source_id, model_id)
    DO UPDATE SET content_hash = excluded.content_hash, vector = excluded.vector, origin = excluded.origin
    WHERE (stored.content_hash <> excluded.content_hash OR stored.origin <> excluded.origin) AND {MAY_REPLACE}
    RETURNING source_id
"""
REMOVE_RETRACTED = """
    DELETE FROM text_embeddings e USING news_articles a
    WHERE a.article_id = ANY($1::text[]) AND a.retracted
        AND e.source_type = 'NEWS' AND e.source_id = a.article_id AND e.model_id = $2 AND e.origin = 'live'
"""


async def count(connection: Connection, fingerprint: str) -> int:
    """How many contents have a vector of this model."""
    return int(await connection.fetchval("SELECT count(*) FROM text_vectors WHERE fingerprint = $1", fingerprint))


async def get(connection: Connection, fingerprint: str, hashes: Collection[bytes]) -> dict[bytes, bytes]:
    """The stored vectors by content hash, in pgvector's binary form (see `matrix`)."""
    if not hashes:
        return {}
    rows = await connection.fetch(GET, fingerprint, list(hashes))
    return {row["content_hash"]: row["vector"] for row in rows}


def matrix(found: dict[bytes, bytes], hashes: Sequence[bytes]) -> NDArray[np.float32]:
    """Stored vectors in the order of `hashes`, float32, shape (n, 384). KeyError for a hash without a vector."""
    return vectors.from_rows([found[content_hash] for content_hash in hashes], DIM)


async def add(connection: Connection, fingerprint: str, hashes: Sequence[bytes], computed: NDArray[np.float32]) -> None:
    """Store new vectors, shape (n, 384); one that is there already stays as it is. Needs an open transaction."""
    if not hashes:
        return
    records = zip(hashes, [fingerprint] * len(hashes), vectors.to_rows(computed), strict=True)
    await connection.execute(INCOMING_VECTORS)
    await connection.copy_records_to_table("incoming_text_vectors", records=records)
    await connection.execute(ADD_VECTORS)
    await connection.execute("TRUNCATE incoming_text_vectors")


async def put_current_embeddings(
    connection: Connection, model_id: str, fingerprint: str, article_ids: Sequence[str]
) -> None:
    """Give each article the vector of its current version, and a retracted one none."""
    await connection.execute(PUT_CURRENT_EMBEDDINGS, article_ids, model_id, fingerprint, LIVE)
    await connection.execute(REMOVE_RETRACTED, article_ids, model_id)


async def fill_embeddings(
    connection: Connection, model_id: str, fingerprint: str, article_ids: Sequence[str]
) -> set[str]:
    """Give articles without a live vector the stored one of their current version; which got another than they had."""
    rows = await connection.fetch(PUT_CURRENT_EMBEDDINGS, article_ids, model_id, fingerprint, BACKFILL)
    return {row["source_id"] for row in rows}
