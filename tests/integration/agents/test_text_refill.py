"""Text vectors come back from their topic; what cannot be one is passed over."""

import hashlib

import numpy as np

from agents.text_refill import refill_text_vectors
from schemas import TextEmbedded, Vector, encode
from schemas.topics import TEXT
from stream_app.embedded import Endpoints
from stream_app.kafka.producing import Outgoing
from stream_app.store import texts
from stream_app.store.database import connection
from tests.integration.pipeline import pipeline


def embedded(text: str, vector: np.ndarray) -> TextEmbedded:
    key = hashlib.sha256(text.encode()).hexdigest()
    return TextEmbedded(
        event_id=key[:32],
        article_id=text,
        content_hash=key,
        model_id="text-fin-general-v1",
        fingerprint="f",
        vector=Vector.of(vector.astype(np.float32)),
    )


async def test_an_emptied_table_gets_the_vectors_that_were_published_and_no_other(
    endpoints: Endpoints, database_url: str, topic_prefix: str
) -> None:
    good = np.arange(384, dtype=np.float32)
    events = [embedded("good", good), embedded("short", good[:3]), embedded("nan", good * np.nan)]
    async with pipeline(endpoints, database_url, topic_prefix) as path:
        topic = path.services.topic(TEXT.name)
        await path.services.publisher.publish(
            [Outgoing(topic, event.content_hash.encode(), encode(event)) for event in events]
            + [Outgoing(topic, b"k", b"no event at all")]
        )
        assert await refill_text_vectors(path.services) == 4
        assert await refill_text_vectors(path.services) == 0
        async with connection(path.services.pool) as conn:
            found = await texts.get(conn, "f", [bytes.fromhex(event.content_hash) for event in events])
    key = bytes.fromhex(events[0].content_hash)
    assert list(found) == [key]
    assert texts.matrix(found, [key]).tolist() == [good.tolist()]
