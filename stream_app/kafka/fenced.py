"""Publishing to lanes of which each has one writer at a time: who takes a lane fences off all who had it before.

A worker that holds a lock in Postgres while it publishes may be stopped, or the broker may stall, until Postgres has
given its lock to another worker. What it then sends late would stand after what the other one has sent. Kafka refuses
it: each lane is a transactional id, and taking it ends the epoch and the open transaction of whoever had it.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaError,
    ProducerFenced,
    UnknownProducerId,
)

from stream_app.errors import FenceLost
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.outage import kafka_errors
from stream_app.kafka.producing import Outgoing, give_up, send, started

WAIT_SECONDS = 15.0
"""For a lane, and again for what is published to it; together less than Postgres leaves a lock to who stands still."""
TRANSACTION_SECONDS = 30.0
"""After which the broker undoes a transaction that its writer has left open: until then it hides what follows it."""
MOST_PRODUCERS = 64
"""Kept connected, beside those that are being published to."""
FENCED = (ProducerFenced, InvalidProducerEpoch, InvalidProducerIdMapping, InvalidTxnState, UnknownProducerId)

log = logging.getLogger(__name__)


class FencedPublisher:
    """Publishes in Kafka transactions, a lane at a time by one writer among all processes.

    `take` a lane first, then read what is to be published, then `publish` it: whoever takes the lane after that has
    what was read or published by then before its eyes, and nothing of this writer can follow.
    """

    def __init__(self, kafka: KafkaAccess, prefix: str, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._kafka = kafka
        self._prefix = prefix
        self._wait_seconds = wait_seconds
        self._producers: OrderedDict[str, AIOKafkaProducer] = OrderedDict()
        self._given_up: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Close the connections; a transaction that is open is undone by the broker."""
        self._keep(0)
        if self._given_up:
            await asyncio.wait(self._given_up)

    async def take(self, lane: str) -> None:
        """Become the lane's one writer. Who took it last here has it still, unless `publish` raises FenceLost.

        Raises Retriable when the broker does not answer in `wait_seconds`.
        """
        if lane not in self._producers:
            transactional_id = f"{self._prefix}{lane}"
            with kafka_errors(f"beginning to publish as {transactional_id}"):
                async with asyncio.timeout(self._wait_seconds):
                    self._producers[lane] = await started(
                        self._kafka,
                        transactional_id=transactional_id,
                        transaction_timeout_ms=int(1000 * TRANSACTION_SECONDS),
                    )
        self._producers.move_to_end(lane)
        self._keep(MOST_PRODUCERS)

    async def publish(self, lane: str, records: Sequence[Outgoing]) -> None:
        """Publish to a lane that was taken: all of it, or nothing that a read_committed reader sees.

        Raises FenceLost when another writer has taken the lane since, or so many lanes were taken here that this one
        was given up, and Retriable when the broker does not acknowledge in `wait_seconds`; take the lane, and read what
        is to be published, again.
        """
        if not records:
            return
        if lane not in self._producers:
            raise FenceLost(f"{MOST_PRODUCERS} other lanes were taken since {lane} was.")
        producer = self._producers.pop(lane)
        try:
            with kafka_errors(f"publishing to {records[0].topic}"), _fence(lane):
                async with asyncio.timeout(self._wait_seconds):
                    await producer.begin_transaction()
                    await send(producer, records, _acknowledged)
                    await producer.commit_transaction()
        except BaseException:
            self._give_up(producer)
            raise
        self._producers[lane] = producer
        self._keep(MOST_PRODUCERS)

    def _keep(self, most: int) -> None:
        while len(self._producers) > most:
            self._give_up(self._producers.popitem(last=False)[1])

    def _give_up(self, producer: AIOKafkaProducer) -> None:
        """Close a producer beside whatever comes next: what it may yet send is before that, or refused."""
        closing = asyncio.ensure_future(give_up(producer))
        self._given_up.add(closing)
        closing.add_done_callback(self._given_up.discard)


async def _acknowledged(batch: "asyncio.Future[object]") -> None:
    batch.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may wait for it any more then
    await asyncio.shield(batch)


@contextmanager
def _fence(lane: str) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        if not isinstance(error, FENCED) and not isinstance(error.__cause__, FENCED):  # of some it is but the cause
            raise
        lost = FenceLost(f"{lane} has another writer, or Kafka has forgotten this one: {error!r}.")
        log.info("what was to be published is read again: %s", lost)
        raise lost from error
