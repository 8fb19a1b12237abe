"""Closing a day and timing its context, between the commit in Postgres and the arrival at a consumer."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer

from benchmarks.closing.days import ClosingDays, price
from benchmarks.closing.sending import WAIT_SECONDS, Input, Inputs, until, value
from schemas import JointRegimeContext
from schemas.topics import CONTEXTS, DEFAULT_PARTITIONS
from stream_app.contexts.closing import close_days
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.clients import new_consumer
from stream_app.kafka.producing import partition_of
from stream_app.services import Services
from stream_app.store.database import transaction

LOCK_PROGRESS = "SELECT next_offset FROM ingest_progress WHERE topic = $1 AND partition = $2 FOR UPDATE"
COMMITTED = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM ingest_progress
    WHERE topic = $1 AND partition = $2 AND next_offset > $3
"""
TRIGGER_WAITS = "SELECT 1 FROM day_triggers WHERE region = $1 AND as_of = $2 AND known_at IS NOT NULL"
INPUT_WAITS = """
    SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND a.datname = current_database() LIMIT 1
"""


class Arrivals:
    """The moment at which each day's first context came from the topic, in seconds since 1970 by this machine's clock.

    Postgres' commit times are of the same clock.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._at: dict[tuple[str, dt.date], asyncio.Future[float]] = {}
        self._reading = asyncio.create_task(self._read())

    async def of(self, region: str, day: dt.date) -> float:
        """Wait for a day's context. Raises what ended the reading, or TimeoutError."""
        arrival = self._arrival(region, day)
        waited: list[asyncio.Future[Any]] = [arrival, self._reading]
        await asyncio.wait(waited, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not arrival.done():
            if self._reading.done():
                self._reading.result()
            raise TimeoutError(f"not within {WAIT_SECONDS:g} s: the context of {region} {day}")
        return arrival.result()

    async def stop(self) -> None:
        """Read no more."""
        self._reading.cancel()
        await asyncio.wait([self._reading])

    def _arrival(self, region: str, day: dt.date) -> "asyncio.Future[float]":
        return self._at.setdefault((region, day), asyncio.get_running_loop().create_future())

    async def _read(self) -> None:
        async for record in self._consumer:
            now = time.time()
            context = msgspec.json.decode(record.value, type=JointRegimeContext)
            if context.vector is None or context.revision > 1:
                raise AssertionError(f"not what was to be measured: {context}")
            self._arrival(context.region, context.as_of).set_result(now)


@asynccontextmanager
async def arrivals(services: Services, kafka: KafkaAccess) -> AsyncIterator[Arrivals]:
    """A read_committed consumer of the contexts' topic."""
    consumer = new_consumer(
        kafka, services.topic(CONTEXTS.name), isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    reading = Arrivals(consumer)
    try:
        yield reading
    finally:
        await reading.stop()
        await consumer.stop()


class Closes:
    """Closes a region's day; the seconds until its context is there. Each day of a region once, in order."""

    def __init__(self, services: Services, world: ClosingDays, inputs: Inputs, arrived: Arrivals) -> None:
        self._services = services
        self._world = world
        self._inputs = inputs
        self._arrived = arrived

    async def after_price(self, region: str, day: dt.date) -> float:
        """From the commit of the day's last input, its price."""
        await self._inputs.send([self._world.last_article(region, day)])
        await self._inputs.stored()
        return await self._after(price(region, day), region, day)

    async def after_article(self, region: str, day: dt.date) -> float:
        """From the commit of the day's last input, an article."""
        await self._inputs.send([price(region, day)])
        await self._inputs.stored()
        return await self._after(self._world.last_article(region, day), region, day)

    async def after_close(self, region: str, day: dt.date) -> float:
        """From the call that closes the day, whose inputs are all stored: its cut is read, its trigger goes round."""
        await self._inputs.send([price(region, day), self._world.last_article(region, day)])
        await self._inputs.stored()
        called = time.time()
        await close_days(self._services, region, [day])
        return await self._arrived.of(region, day) - called

    async def _after(self, last: Input, region: str, day: dt.date) -> float:
        """From the commit of an input that is held back until the closed day's trigger waits for it."""
        record = self._inputs.outgoing(last)
        assert record.key is not None
        place = record.topic, partition_of(record.key, DEFAULT_PARTITIONS)
        async with transaction(self._services.pool) as conn:
            before = await conn.fetchval(LOCK_PROGRESS, *place)
            await self._services.publisher.publish([record])
            await close_days(self._services, region, [day])
            await until(lambda: value(self._services, TRIGGER_WAITS, region, day), "the trigger waits")
            await until(lambda: value(self._services, INPUT_WAITS), "the last input waits")
        arrived = await self._arrived.of(region, day)
        committed: float = await value(self._services, COMMITTED, *place, before)
        return arrived - committed
