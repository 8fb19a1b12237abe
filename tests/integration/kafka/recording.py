"""A stage that writes down what it is given, and the facts tests wait for."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from stream_app.config import Settings, load_settings
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.chunks import TP, Chunk, ChunkLimits
from stream_app.kafka.producing import Outgoing, partition_of
from stream_app.kafka.publisher import Publisher
from stream_app.kafka.stage import run_stage
from stream_app.kafka.stages import AssignedLog, Stage

DEADLINE_SECONDS = 40.0


async def nothing(chunk: Chunk) -> None:
    """Handle a chunk by doing nothing."""
    del chunk


def committed_or_start(logs: Mapping[TP, AssignedLog]) -> dict[TP, int]:
    """Where a stage without a store of its own begins."""
    return {tp: log.log_start if log.committed is None else log.committed for tp, log in logs.items()}


@dataclass
class Recorder:
    """A stage's hooks that write down what came; `work` is done for each chunk before it counts as handled."""

    work: Callable[[Chunk], Awaitable[None]] = nothing
    start: Callable[[Mapping[TP, AssignedLog]], Mapping[TP, int]] = committed_or_start
    logs: dict[TP, AssignedLog] = field(default_factory=dict)
    begun: list[Chunk] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    lost: list[TP] = field(default_factory=list)
    idled: dict[TP, int] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def start_offsets(self, logs: Mapping[TP, AssignedLog]) -> Mapping[TP, int]:
        self.logs = dict(logs)
        self.changed.set()
        return self.start(logs)

    async def handle(self, chunk: Chunk) -> None:
        self.begun.append(chunk)
        self.changed.set()
        await self.work(chunk)
        self.chunks.append(chunk)
        self.changed.set()

    async def revoked(self, tps: Collection[TP]) -> None:
        self.lost.extend(tps)
        self.changed.set()

    async def idle(self, tp: TP, position: int) -> None:
        self.idled[tp] = position
        self.changed.set()

    def offsets(self) -> dict[int, list[int]]:
        """The offsets that were handled, by partition, in the order they were."""
        by_partition: dict[int, list[int]] = defaultdict(list)
        for chunk in self.chunks:
            by_partition[chunk.partition].extend(record.offset for record in chunk.records)
        return by_partition

    def count(self) -> int:
        """How many records were handled."""
        return sum(len(chunk.records) for chunk in self.chunks)

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait for something that becomes true by what this stage is given."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not fact():
                self.changed.clear()
                await self.changed.wait()


class Running:
    """A stage that runs in this process until the block ends, which stops it as SIGTERM would."""

    def __init__(self, kafka: KafkaAccess, stage: Stage, settings: Settings | None = None) -> None:
        self._stop = asyncio.Event()
        self._run = run_stage(stage, kafka, settings or load_settings(), stop=self._stop)

    async def __aenter__(self) -> "Running":
        self._task = asyncio.ensure_future(self._run)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._stop.set()
        await self._task


def stage(topic: str, recorder: Recorder, *, records: int = 10, group: str = "") -> Stage:
    """A stage on the topic, in chunks of so many records."""
    return Stage("recorder", topic, group or f"{topic}-group", ChunkLimits(records, 1024 * 1024), recorder)


async def publish(kafka: KafkaAccess, topic: str, partitions: Mapping[int, int], size: int = 20) -> None:
    """Publish so many records to each of these partitions of a topic of four."""
    publisher = Publisher(kafka)
    keys = partition_keys()
    records = [
        Outgoing(topic, keys[partition], bytes(size)) for partition, count in partitions.items() for _ in range(count)
    ]
    await publisher.publish(records)
    await publisher.stop()


def partition_keys() -> dict[int, bytes]:
    """A key for each partition of a topic of four."""
    candidates = [f"key-{number}".encode() for number in range(100)]
    return {partition_of(key, 4): key for key in candidates}


async def committed(kafka: KafkaAccess, topic: str, group: str = "") -> dict[int, int]:
    """The group's committed offsets of the topic, by partition; a start at 0 is committed, too, and left out here."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group or f"{topic}-group")
    except GroupCoordinatorNotAvailableError:  # a fresh broker, before its first group
        return {}
    finally:
        await admin.close()
    return {tp.partition: row.offset for tp, row in found.items() if row.offset > 0}


async def eventually(fact: Callable[[], Awaitable[bool]]) -> None:
    """Ask for a fact, which takes a round trip each time, until it is true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await fact():
        assert time.monotonic() < deadline, "the fact did not come true in time"
