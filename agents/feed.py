"""A partition of which too many records are rejected: whether its feed is mended by now, and what to tell if not."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from agents.rejection_limits import Passed, RejectionLimits
from stream_app.kafka.chunks import Chunk
from stream_app.kafka.offsets import LogReader
from stream_app.services import Services
from stream_app.store import handled_letters
from stream_app.store.database import connection

RejectedOf = Callable[[Chunk], Awaitable[Sequence[int]]]
"""The offsets of a chunk's records that are rejected; nothing is stored."""
TOLD_LETTERS = 100
"""The newest dead letters, of which the reasons are told."""


async def is_mended(
    log: LogReader, chunk: Chunk, passed: Passed, limits: RejectionLimits, rejected_of: RejectedOf
) -> bool:
    """Whether the partition's newest records, none before the one that passes a limit, are good again.

    The last one must be, and of the last ones as many as the limit wants.
    """
    end = (await log.end_offsets(chunk.topic))[chunk.partition]
    start = max(passed.offset, end - limits.minimum_records)
    records = rejected = 0
    last_is_good = False
    async for batch in log.records(chunk.topic, chunk.partition, start, end):
        bad = await rejected_of(replace(chunk, records=batch))
        records, rejected = records + len(batch), rejected + len(bad)
        last_is_good = batch[-1].offset not in bad
    return last_is_good and rejected <= limits.ratio * records


async def too_many(services: Services, chunk: Chunk, passed: Passed, limits: RejectionLimits) -> str:
    """What happened, and what to do."""
    async with connection(services.pool) as conn:
        reasons = await handled_letters.recent_reasons(conn, chunk.topic, TOLD_LETTERS)
    told = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
    return (
        f"Too much on {chunk.topic} cannot be used: {passed.how}. Reading stops before partition {chunk.partition}, "
        f"offset {passed.offset}. The newest dead letters by reason: {told or 'none'}; see `stream-app dead-letters "
        "list`. Mend what sends them and start the worker again: it goes on once the partition's newest record is "
        f"good, and of those since that offset, the last {limits.minimum_records:,} at most, no more than "
        f"{limits.ratio:.0%} are bad. To let them go to the dead letters all the same, start it once with a higher "
        "--max-rejected-in-a-row or --max-rejected-ratio."
    )
