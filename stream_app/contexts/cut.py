"""How a trigger is made: stored without a cut, given one that was read after it was committed, then published."""

from schemas import TopicCut, encode
from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.failpoints import failpoint
from stream_app.kafka.publisher import Outgoing
from stream_app.services import Services
from stream_app.store import progress, triggers
from stream_app.store.database import connection, transaction

PUBLISH_TRIGGERS = 1_000


async def read_cut(services: Services) -> dict[str, TopicCut]:
    """The read_committed end of every input topic, now. Fatal where the database was filled from others."""
    names = (PRICES.name, NEWS.name)
    topics = [services.topic(name) for name in names]
    async with connection(services.pool) as conn:
        await progress.check_prefix(conn, services.settings.topic_prefix, names)
    ends = {topic: await services.log.end_offsets(topic) for topic in topics}
    async with connection(services.pool) as conn:
        epochs = await progress.epochs(conn, topics)
    return {topic: TopicCut(epoch=epochs[topic], offsets=ends[topic]) for topic in topics}


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
