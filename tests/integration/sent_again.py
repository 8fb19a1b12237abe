"""Records that say they were dead letters at an earlier place, as requeued ones are, with a content of a test's own."""

from schemas import NewsArticle, OriginPosition, PriceClose, encode
from schemas.origins import ORIGIN_HEADER, checksum
from schemas.topics import NEWS, PRICES
from stream_app.kafka.producing import Outgoing
from stream_app.services import Services

FIRST_EPOCH = 1


async def sent_again(services: Services, event: PriceClose | NewsArticle, partition: int, offset: int) -> Outgoing:
    """The event as a record whose original stood at an offset of a partition of its topic."""
    topic, key = (PRICES.name, event.instrument_id) if isinstance(event, PriceClose) else (NEWS.name, event.article_id)
    wire, value = services.topic(topic), encode(event)
    first = await services.log.record_at(wire, partition, offset)
    assert first is not None
    assert first.offset == offset
    origin = OriginPosition(
        log_epoch=FIRST_EPOCH,
        timestamp_ms=first.timestamp,
        partition=partition,
        offset=offset,
        checksum=checksum(key.encode(), value),
    )
    return Outgoing(wire, key.encode(), value, headers=[(ORIGIN_HEADER, encode(origin))], partition=partition)
