"""Closing aiokafka's consumer whatever state it is in."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close the connections; without the broker, close them all the same, after 5 s at most.

    aiokafka's `stop` passes on the cancellation of its own tasks, as if its caller were cancelled, and waits for
    answers that may never come. So it runs as a task of its own here.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=CLOSE_SECONDS)
    if not stopping.done():
        logger.info("Kafka does not answer; the group notices by missing heartbeats that this worker is gone.")
        stopping.cancel()
        await asyncio.wait([stopping])
    if stopping.cancelled() or stopping.exception() is not None:
        await consumer._client.close()
