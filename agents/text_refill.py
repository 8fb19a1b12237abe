"""Refilling text_vectors from `embeddings.text`, so that an emptied database gets the very vectors it had."""

import logging
from collections.abc import Sequence

import numpy as np

from agents.placing import moved_on
from schemas import DIM, Codec, Rejected, TextEmbedded, Vector
from schemas.topics import TEXT
from stream_app.errors import FenceLost
from stream_app.kafka.chunks import Record
from stream_app.kafka.stages import AssignedLog
from stream_app.positions.comparing import compare
from stream_app.services import Services
from stream_app.store import progress, texts
from stream_app.store.database import connection, transaction
from stream_app.store.progress import Progress

log = logging.getLogger(__name__)

_CODEC: Codec[TextEmbedded] = Codec(TextEmbedded)


async def refill_text_vectors(services: Services) -> int:
    """Read `embeddings.text` from the stored progress to its end, as of now; how many events were read."""
    topic = services.topic(TEXT.name)
    starts, ends = await services.log.start_offsets(topic), await services.log.end_offsets(topic)
    await _begin_again_with_another_log(services, topic, starts, ends)
    read = 0
    for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
        was = await _progress(services, topic, partition, start)
        first = max(was.next_offset, start)
        if first < end:
            async for records in services.log.records(topic, partition, first, end):
                was = await _store(services, was, records)
                read += len(records)
    if read:
        log.info("refilled text vectors events=%d", read)
    return read


async def _begin_again_with_another_log(
    services: Services, topic: str, starts: Sequence[int], ends: Sequence[int]
) -> None:
    """Read a log from its start that is not the one which was read before: vectors are added, never replaced."""
    async with connection(services.pool) as conn:
        stored = await progress.of_topic(conn, topic)
    logs = {n: AssignedLog(None, *of_log) for n, of_log in enumerate(zip(starts, ends, strict=True))}
    if findings := await compare(services.log, stored, logs, len(starts)):
        log.warning("%s It is read from its start; a vector that it lacks is computed.", findings[0].sentence)
        async with transaction(services.pool) as conn:
            await progress.forget(conn, topic)


async def _progress(services: Services, topic: str, partition: int, start: int) -> Progress:
    async with connection(services.pool) as conn:
        await progress.create(conn, topic, partition, start)
        return (await progress.load(conn, topic, [partition]))[partition]


async def _store(services: Services, was: Progress, records: Sequence[Record]) -> Progress:
    """Store a batch; where another worker has done so already its progress is taken up."""
    now = moved_on(was, records, max(was.position_ms, records[-1].timestamp))
    events = [_CODEC.decode(record.value) for record in records if record.offset >= was.next_offset]
    by_fingerprint: dict[str, dict[bytes, TextEmbedded]] = {}
    for event in events:
        if not isinstance(event, Rejected) and _fits(event.vector):
            by_fingerprint.setdefault(event.fingerprint, {})[bytes.fromhex(event.content_hash)] = event
    try:
        async with transaction(services.pool) as conn:
            await progress.move_on(conn, was, now)
            for fingerprint, of_model in by_fingerprint.items():
                matrix = np.array([event.vector.numpy() for event in of_model.values()], dtype=np.float32)
                await texts.add(conn, fingerprint, list(of_model), matrix)
    except FenceLost:
        return await _progress(services, was.topic, was.partition, was.next_offset)
    return now


def _fits(vector: Vector) -> bool:
    """Whether text_vectors can hold it. The news stage writes no other, but anything may be on a topic."""
    return vector.dim == DIM and bool(np.isfinite(vector.numpy()).all())
