"""Which chunks of this worker's partitions wait, are being handled, are acked, and what may be committed.

A chunk goes: registered -> taken (given to Faust) -> begun (its handler runs) -> handled -> acked. Pure bookkeeping: no
Kafka, no Faust, no waiting.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from stream_app.kafka.chunks import TP, Chunk, ChunkLimits, Record, cut

PENDING_CHUNKS = 2
"""Unacked chunks a partition may have before no more of it is asked for, and how many of them Faust is given."""


class State(Enum):
    """How far a chunk has come."""

    REGISTERED = auto()
    TAKEN = auto()
    BEGUN = auto()
    HANDLED = auto()
    ACKED = auto()


@dataclass(slots=True)
class Entry:
    """A chunk and how far it has come."""

    chunk: Chunk
    state: State = State.REGISTERED


@dataclass(slots=True)
class OpenPartition:
    """A partition that is being read: the chunks that are not acked with all their predecessors, in order.

    Offsets, each the first one that is not: `acked_until` acked without a gap, `committed_until` known to be committed,
    `idle_until` told to the stage as empty. `log_end` is where the log ended at the last look (None: not known yet).
    """

    acked_until: int
    committed_until: int
    idle_until: int
    entries: deque[Entry] = field(default_factory=deque)
    waiting: deque[Entry] = field(default_factory=deque)
    unacked: int = 0
    log_end: int | None = None

    @property
    def lag(self) -> int | None:
        """Offsets between what is acked and the log's end; None: not known yet."""
        return None if self.log_end is None else max(0, self.log_end - max(self.acked_until, self.idle_until))

    @property
    def taken(self) -> int:
        """Unacked chunks that Faust has."""
        return self.unacked - len(self.waiting)

    def register(self, chunk: Chunk) -> None:
        """Take up a chunk that was fetched."""
        entry = Entry(chunk)
        self.entries.append(entry)
        self.waiting.append(entry)
        self.unacked += 1

    def acked(self) -> None:
        """One more chunk is acked: forget the chunks whose predecessors are acked too, their offset is kept."""
        self.unacked -= 1
        while self.entries and self.entries[0].state is State.ACKED:
            self.acked_until = self.entries.popleft().chunk.last_offset + 1


class Ledger:
    """The chunks of the partitions that this worker has."""

    def __init__(self, limits: ChunkLimits) -> None:
        self._limits = limits
        self._generation = 0
        self._assigned: frozenset[TP] = frozenset()
        self._open: dict[TP, OpenPartition] = {}
        self._closing = False
        self._has_share = False

    @property
    def generation(self) -> int:
        """Counts this worker's assignments."""
        return self._generation

    @property
    def assigned(self) -> frozenset[TP]:
        """This worker's partitions, whether they are read yet or not."""
        return self._assigned

    @property
    def reading(self) -> int | None:
        """How many partitions are read; None while there is no assignment, or not all of its partitions are read."""
        if not self._has_share or self._closing or len(self._open) < len(self._assigned):
            return None
        return len(self._open)

    def assign(self, tps: Iterable[TP]) -> int:
        """A new assignment, which makes everything before it stale. Returns its generation."""
        self.revoke()
        self._generation += 1
        self._assigned = frozenset(TP(*tp) for tp in tps)
        self._has_share = True
        self._closing = False
        return self._generation

    def open(self, starts: Mapping[TP, int]) -> None:
        """Begin to read these partitions from these offsets."""
        for tp, offset in starts.items():
            self._open[TP(*tp)] = OpenPartition(offset, offset, offset)

    def close(self) -> None:
        """Let no further chunk begin, and drop those that only wait: the partitions are about to go."""
        self._closing = True

    def revoke(self) -> None:
        """Forget all partitions; whatever is still handled or acked later changes nothing any more."""
        self._open.clear()
        self._assigned = frozenset()
        self._has_share = False

    def current(self, chunk: Chunk) -> bool:
        """Whether the chunk's partition is still this worker's, without a break since the chunk was read."""
        return chunk.generation == self._generation and chunk.tp in self._open

    def ready(self) -> frozenset[TP]:
        """The partitions of which more may be asked for."""
        if self._closing:
            return frozenset()
        return frozenset(tp for tp, partition in self._open.items() if partition.unacked < PENDING_CHUNKS)

    def register(self, tp: TP, records: Sequence[Record]) -> None:
        """Take up what was fetched of a partition, cut into chunks; ignored where the partition is not read."""
        partition = self._open.get(tp)
        if partition is not None and not self._closing:
            for run in cut(records, self._limits):
                partition.register(Chunk(tp.topic, tp.partition, self._generation, run, owner=self))

    def take(self) -> Chunk | None:
        """A chunk that Faust may be given now, of the partition that has least of its chunks there."""
        takeable = self._takeable()
        if not takeable:
            return None
        entry = min(takeable, key=lambda partition: partition.taken).waiting.popleft()
        entry.state = State.TAKEN
        return entry.chunk

    def can_take(self) -> bool:
        """Whether `take` has something."""
        return bool(self._takeable())

    def begin(self, chunk: Chunk) -> bool:
        """Whether the chunk's handler may run now; a stale chunk's may not, nor any while the partitions go."""
        return not self._closing and self._move(chunk, State.TAKEN, State.BEGUN)

    def handled(self, chunk: Chunk) -> None:
        """The chunk's handler has returned."""
        self._move(chunk, State.BEGUN, State.HANDLED)

    def ack(self, chunk: Chunk) -> bool:
        """Ack a handled chunk. Any other is left alone: Faust itself acks what it skips."""
        if not self._move(chunk, State.HANDLED, State.ACKED):
            return False
        self._open[chunk.tp].acked()
        return True

    def in_flight(self) -> bool:
        """Whether a current chunk has begun and is not acked."""
        begun = (State.BEGUN, State.HANDLED)
        return any(entry.state in begun for partition in self._open.values() for entry in partition.entries)

    def committable(self) -> dict[TP, int]:
        """By partition the offset after the newest chunk whose predecessors are all acked, where that is news."""
        return {
            tp: partition.acked_until
            for tp, partition in self._open.items()
            if partition.acked_until > partition.committed_until
        }

    def committed(self, offsets: Mapping[TP, int]) -> None:
        """The commit of these offsets has succeeded."""
        for tp, offset in offsets.items():
            if (partition := self._open.get(tp)) is not None:
                partition.committed_until = max(partition.committed_until, offset)

    def ended_at(self, ends: Mapping[TP, int]) -> None:
        """Where these partitions' logs end now."""
        for tp, end in ends.items():
            if (partition := self._open.get(tp)) is not None:
                partition.log_end = end

    def lags(self) -> dict[TP, int]:
        """By partition that is read how far it is behind its log's end, where that is known."""
        return {tp: partition.lag for tp, partition in self._open.items() if partition.lag is not None}

    def at_rest(self) -> Collection[TP]:
        """The partitions of which everything fetched is acked."""
        if self._closing:
            return ()
        return [tp for tp, partition in self._open.items() if partition.unacked == 0]

    def is_news(self, tp: TP, position: int) -> bool:
        """Whether the partition is at rest and `position` lies above all that the stage knows of it."""
        partition = self._open.get(tp)
        if partition is None or partition.unacked or self._closing:
            return False
        return position > max(partition.acked_until, partition.idle_until)

    def idled(self, tp: TP, position: int) -> None:
        """The stage knows that nothing lies below `position` that was not handled."""
        if (partition := self._open.get(tp)) is not None:
            partition.idle_until = max(partition.idle_until, position)

    def _takeable(self) -> list[OpenPartition]:
        if self._closing:
            return []
        return [p for p in self._open.values() if p.waiting and p.taken < PENDING_CHUNKS]

    def _move(self, chunk: Chunk, before: State, after: State) -> bool:
        if not self.current(chunk):
            return False
        for entry in self._open[chunk.tp].entries:
            if entry.chunk is chunk and entry.state is before:
                entry.state = after
                return True
        return False
