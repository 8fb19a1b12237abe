"""Whether this database knows the triggers that the log holds: who closes days before it does makes them twice."""

from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from schemas import DAY_TRIGGERS, Rejected
from schemas.topics import DAY_CLOSES
from stream_app.errors import UsageError
from stream_app.services import Services
from stream_app.store import progress, triggers
from stream_app.store.database import connection
from stream_app.store.triggers import TriggerKey

WAIT_SECONDS = 20.0
POLL_SECONDS = 0.25


async def require_known_log(services: Services, wait_seconds: float = WAIT_SECONDS) -> None:
    """Return once the database knows every trigger that is in the log now; a worker that reads them is waited for.

    Raises UsageError when the time is up: an emptied or restored database first has to read its topics again.
    """
    ends = await services.log.end_offsets(services.topic(DAY_CLOSES.name))
    retrying = AsyncRetrying(
        retry=retry_if_result(bool), wait=wait_fixed(POLL_SECONDS), stop=stop_after_delay(wait_seconds)
    )
    try:
        await retrying(_any_unknown, services, ends)
    except RetryError:
        raise UsageError(
            "The log holds closed days that this database has not read: start `stream-app worker`, "
            "and close days once it has caught up."
        ) from None


async def _any_unknown(services: Services, ends: tuple[int, ...]) -> bool:
    """Whether a trigger between the stored progress and `ends` is not in the database."""
    topic = services.topic(DAY_CLOSES.name)
    starts = await services.log.start_offsets(topic)
    async with connection(services.pool) as conn:
        read = await progress.offsets(conn, topic)
    for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
        first = max(start, read.get(partition, 0))
        if first < end:
            async for records in services.log.records(topic, partition, first, end):
                events = [DAY_TRIGGERS.decode(record.value) for record in records]
                keys = [TriggerKey(e.region, e.as_of, e.number) for e in events if not isinstance(e, Rejected)]
                async with connection(services.pool) as conn:
                    if await triggers.unknown(conn, keys):
                        return True
    return False
