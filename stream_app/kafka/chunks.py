"""A chunk: consecutive records of one partition, the unit in which everything is done."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from faust.types import TP

from schemas import origins

__all__ = ["TP", "Chunk", "ChunkLimits", "Ownership", "Record", "checksum", "cut", "still_owned"]


class Record(Protocol):
    """What a chunk is made of: what aiokafka parses, or its ConsumerRecord. `timestamp` is in milliseconds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Ownership(Protocol):
    """Knows which partitions this worker still has."""

    def current(self, chunk: "Chunk") -> bool:
        """Whether the chunk's partition is still this worker's, without a break since the chunk was read."""
        ...


class OwnedForEver:
    """The owner of chunks made by hand."""

    def current(self, chunk: "Chunk") -> bool:
        """Always."""
        del chunk
        return True


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of one partition, never none. `generation` counts this worker's assignments."""

    topic: str
    partition: int
    generation: int
    records: Sequence[Record]
    owner: Ownership = field(default=OwnedForEver(), compare=False, repr=False)

    @property
    def tp(self) -> TP:
        """The partition."""
        return TP(self.topic, self.partition)

    @property
    def first_offset(self) -> int:
        """The first record's offset."""
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        """The last record's offset."""
        return self.records[-1].offset


@dataclass(slots=True)
class ChunkLimits:
    """Where a chunk is cut. Mutable: a stage may adapt it to its own speed; it holds from the next fetch on."""

    records: int
    bytes: int


def still_owned(chunk: Chunk) -> bool:
    """What a handler that retries asks each time: if the chunk is not, it raises OwnershipLost."""
    return chunk.owner.current(chunk)


def checksum(record: Record) -> int:
    """crc32 over a record's key and value, by which a recreated topic is noticed."""
    return origins.checksum(record.key, record.value)


def cut(records: Sequence[Record], limits: ChunkLimits) -> Iterator[Sequence[Record]]:
    """The records in runs of at most `limits.records` and `limits.bytes` (keys and values), at least one a run."""
    weights = (len(record.value or b"") + len(record.key or b"") for record in records)
    ends = [0, *accumulate(weights)]
    max_records, max_bytes = limits.records, limits.bytes
    start = 0
    while start < len(records):
        within_bytes = bisect_right(ends, ends[start] + max_bytes) - 1
        end = max(start + 1, min(start + max_records, within_bytes))
        yield records[start:end]
        start = end
