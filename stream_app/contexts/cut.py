"""How a trigger is made: stored without a cut, given one that was read after it was committed, then published."""

from collections.abc import Mapping, Sequence

from schemas import TopicCut, encode
from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.endpoints import command
from stream_app.errors import Fatal
from stream_app.failpoints import failpoint
from stream_app.kafka.producing import Outgoing
from stream_app.positions import ADOPT
from stream_app.services import Services
from stream_app.store import progress, triggers
from stream_app.store.database import connection, transaction

PUBLISH_TRIGGERS = 1_000


async def read_cut(services: Services) -> dict[str, TopicCut]:
    """The read_committed end of every input topic, now. Fatal where the database was filled from other ones."""
    names = (PRICES.name, NEWS.name)
    topics = [services.topic(name) for name in names]
    async with connection(services.pool) as conn:
        await progress.check_prefix(conn, services.settings.topic_prefix, names)
        applied = {topic: await progress.offsets(conn, topic) for topic in topics}
    ends = {topic: await services.log.end_offsets(topic) for topic in topics}
    for topic in topics:
        _check_holds(services, topic, applied[topic], ends[topic])
    async with connection(services.pool) as conn:
        epochs = await progress.epochs(conn, topics)
    return {topic: TopicCut(epoch=epochs[topic], offsets=ends[topic]) for topic in topics}


def _check_holds(services: Services, topic: str, applied: Mapping[int, int], ends: Sequence[int]) -> None:
    """A log that ends below what was applied of it is another one: its end would cut through the records of the old."""
    for partition, offset in applied.items():
        end = ends[partition] if partition < len(ends) else 0
        if end < offset:
            adopt = command(services.settings, ADOPT)
            raise Fatal(
                f"No day gets a cut: {topic}[{partition}] ends at offset {end}, but this database has applied it up to "
                f"{offset}. `{adopt}` shows what is to be done to go on with the log as it is, and does it."
            )


async def finish_triggers(services: Services) -> int:
    """Give triggers without a cut theirs and publish the unpublished; the number published.

    Only triggers that were committed before the offsets are read get this cut: a record above it is then applied by a
    transaction that sees the trigger, and leaves a mark. Whoever stops half-way is taken up by the next pass.
    """
    async with connection(services.pool) as conn:
        without_cut = await triggers.without_cut(conn)
    if without_cut:
        cut = await read_cut(services)
        failpoint("cut-read")
        async with transaction(services.pool) as conn:
            await triggers.give_cut(conn, without_cut, cut)
        failpoint("cut-given")
    published = 0
    while batch := await _publish_some(services):
        published += batch
    return published


async def _publish_some(services: Services) -> int:
    async with connection(services.pool) as conn:
        batch = await triggers.unpublished(conn, PUBLISH_TRIGGERS)
    if batch:
        topic = services.topic(DAY_CLOSES.name)
        await services.publisher.publish(
            [Outgoing(topic=topic, key=t.event.region.encode(), value=encode(t.event)) for t in batch]
        )
        failpoint("triggers-published")
        async with transaction(services.pool) as conn:
            await triggers.mark_published(conn, batch)
    return len(batch)
