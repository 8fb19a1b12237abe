"""Text vectors, computed once a content, and the row that gives an article its own."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.store import vectors
from stream_app.store.database import Connection

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
PUT_EMBEDDINGS = """
    INSERT INTO text_embeddings AS e (source_id, model_id, content_hash, vector)
    SELECT source_id, $3, hash, v.vector
    FROM unnest($1::text[], $2::bytea[]) AS u (source_id, hash)
    JOIN text_vectors v ON v.content_hash = u.hash AND v.fingerprint = $4
    ORDER BY source_id
    ON CONFLICT (source_type, source_id, model_id)
    DO UPDATE SET content_hash = excluded.content_hash, vector = excluded.vector, origin = 'live'
    WHERE e.content_hash <> excluded.content_hash OR e.origin <> 'live'
"""
REMOVE_EMBEDDINGS = """
    DELETE FROM text_embeddings
    WHERE source_type = 'NEWS' AND source_id = ANY($1::text[]) AND model_id = $2 AND origin = 'live'
"""


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


async def put_embeddings(
    connection: Connection, model_id: str, fingerprint: str, articles: Sequence[tuple[str, bytes]]
) -> None:
    """Give each (article_id, content_hash) its stored vector; needs an open transaction."""
    if articles:
        ids, hashes = zip(*articles, strict=True)
        await connection.execute(PUT_EMBEDDINGS, list(ids), list(hashes), model_id, fingerprint)


async def remove_embeddings(connection: Connection, model_id: str, article_ids: Collection[str]) -> None:
    """Take the vectors of retracted articles away."""
    if article_ids:
        await connection.execute(REMOVE_EMBEDDINGS, list(article_ids), model_id)
