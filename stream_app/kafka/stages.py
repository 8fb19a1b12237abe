"""What a stage is: a topic, a consumer group of its own, and what is done with the chunks."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from stream_app.kafka.chunks import TP, Chunk, ChunkLimits
from stream_app.kafka.ledger import Ledger


@dataclass(frozen=True, slots=True)
class AssignedLog:
    """An assigned partition's log: the group's committed offset, the log's start, and its read_committed end."""

    committed: int | None
    log_start: int
    log_end: int


class StageHooks(Protocol):
    """What a stage does."""

    async def start_offsets(self, logs: Mapping[TP, AssignedLog]) -> Mapping[TP, int]:
        """Where to begin, by partition, asked at each assignment.

        Retriable: asked again. Anything else it raises ends the run with it.
        """
        ...

    async def handle(self, chunk: Chunk) -> None:
        """Returns when the chunk is stored and published; only then is it acked.

        OwnershipLost: the chunk is left unacked, the run goes on. Anything else it raises ends the run with it.
        """
        ...

    async def revoked(self, tps: Collection[TP]) -> None:
        """These partitions are gone: drop what is kept for them."""
        ...

    async def idle(self, tp: TP, position: int) -> None:
        """Everything below `position` is handled, and what lies between the last record and it holds no record.

        Retriable and OwnershipLost: told again later. Anything else it raises ends the run with it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage. `topic` is the name on the wire, `group_id` the consumer group's.

    `reads_by` is told at the start of a run where it keeps how far its partitions are.
    """

    name: str
    topic: str
    group_id: str
    limits: ChunkLimits
    hooks: StageHooks
    reads_by: Callable[[Ledger], None] = lambda _: None
