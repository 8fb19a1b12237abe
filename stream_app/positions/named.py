"""What the log's own triggers say of the logs that they cut: a database that was emptied has nothing else to go by."""

from collections import defaultdict
from dataclasses import dataclass, field

from schemas import DAY_TRIGGERS, Rejected
from schemas.topics import DAY_CLOSES
from stream_app.services import Services
from stream_app.store.progress import FIRST_EPOCH
from stream_app.store.triggers import TriggerKey


@dataclass(frozen=True, slots=True)
class Named:
    """The triggers on `regions.day-closes`, and by topic the highest epoch that one of them names in its cut."""

    triggers: set[TriggerKey] = field(default_factory=set)
    epochs: dict[str, int] = field(default_factory=lambda: defaultdict(lambda: FIRST_EPOCH))


async def named_by_triggers(services: Services) -> Named:
    """Read `regions.day-closes` from its start to its end. Raises Retriable when the broker is away."""
    topic, named = services.topic(DAY_CLOSES.name), Named()
    starts, ends = await services.log.start_offsets(topic), await services.log.end_offsets(topic)
    for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
        async for records in services.log.records(topic, partition, start, end):
            for event in map(DAY_TRIGGERS.decode, (record.value for record in records)):
                if not isinstance(event, Rejected):
                    named.triggers.add(TriggerKey(event.region, event.as_of, event.number))
                    for of, cut in event.cut.items():
                        named.epochs[of] = max(named.epochs[of], cut.epoch)
    return named
