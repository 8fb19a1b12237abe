"""Publishing in bulk: idempotent, acknowledged by all replicas, in order a partition."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.outage import kafka_errors
from stream_app.kafka.producing import Outgoing, give_up, send, started

PUBLISH_WAIT_SECONDS = 30.0


class Publisher:
    """Publishes records, and is usable again after the broker was away."""

    def __init__(self, kafka: KafkaAccess, *, wait_seconds: float = PUBLISH_WAIT_SECONDS) -> None:
        self._kafka = kafka
        self._wait_seconds = wait_seconds
        self._producer: AIOKafkaProducer | None = None
        self._broken = False
        self._connecting = asyncio.Lock()
        self._left_over: set[asyncio.Future[object]] = set()

    async def start(self) -> None:
        """Connect. Raises Retriable when the broker is away; `publish` connects by itself, so going on is fine."""
        with kafka_errors("connecting to publish"):
            async with asyncio.timeout(self._wait_seconds):
                await self._connected()

    async def stop(self) -> None:
        """Close the connections. What a timed-out `publish` left over is given up."""
        async with self._connecting:
            await self._give_up_producer()

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Publish `records`; returns when every one is acknowledged.

        Raises Retriable when the broker does not acknowledge them all in `wait_seconds`: call again with the same
        records, some may then be there twice, in the same order. Raises Fatal for what can never be published.
        """
        if not records:
            return
        with kafka_errors(f"publishing to {records[0].topic}"):
            async with asyncio.timeout(self._wait_seconds):
                producer = await self._connected()
                await self._settled()
                try:
                    await send(producer, records, self._acknowledged)
                except Exception:
                    # whatever the error, the partition's sequence numbers have a gap now: a new producer starts anew
                    self._broken = True
                    raise

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._broken:
                await self._give_up_producer()
            if self._producer is None:
                self._producer = await started(self._kafka)
            return self._producer

    async def _settled(self) -> None:
        """Wait for what an earlier call gave up waiting for: sent after it, the same records stay in order."""
        if self._left_over:
            await asyncio.wait(self._left_over)

    async def _acknowledged(self, batch: "asyncio.Future[object]") -> None:
        try:
            await asyncio.shield(batch)
        except asyncio.CancelledError:
            self._left_over.add(batch)
            batch.add_done_callback(self._forget)
            raise

    def _forget(self, batch: "asyncio.Future[object]") -> None:
        self._left_over.discard(batch)
        if batch.cancelled() or batch.exception() is not None:
            self._broken = True

    async def _give_up_producer(self) -> None:
        producer, self._producer, self._broken = self._producer, None, False
        if producer is not None:
            await give_up(producer)
