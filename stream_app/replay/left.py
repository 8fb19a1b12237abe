"""What a replay over stored records leaves to a worker: what the log holds beyond them, and days not yet computed."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.services import Services
from stream_app.store import progress, trigger_queue
from stream_app.store.database import connection
from stream_app.store.trigger_queue import Days


@dataclass(frozen=True, slots=True)
class Left:
    """How many records are applied to no table yet, and by region the days with a trigger that is not computed."""

    records: int
    days: Mapping[str, Sequence[dt.date]]


async def left_to_a_worker(services: Services, regions: Sequence[str], days: Days) -> Left:
    """What waits now; of the days only these, of these regions (none: of all)."""
    topics = [services.topic(topic.name) for topic in (PRICES, NEWS, DAY_CLOSES)]
    starts = {topic: await services.log.start_offsets(topic) for topic in topics}
    ends = {topic: await services.log.end_offsets(topic) for topic in topics}
    async with connection(services.pool) as conn:
        at = {topic: await progress.offsets(conn, topic) for topic in topics}
        waiting = await trigger_queue.waiting_days(conn)
    records = sum(
        max(0, end - at[topic].get(partition, start))
        for topic in topics
        for partition, (start, end) in enumerate(zip(starts[topic], ends[topic], strict=True))
    )
    chosen = {
        region: [day for day in of_region if days.first <= day <= days.last]
        for region, of_region in waiting.items()
        if not regions or region in regions
    }
    return Left(records, {region: of_region for region, of_region in chosen.items() if of_region})
