"""What a seed command found and did, counted alike by all of them."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from stream_app.store.origins import BACKFILL, LIVE, Standing

Key = TypeVar("Key", bound=Hashable)

LISTED = 1_000
"""Of failures that are alike; the others are counted alone, so that a long history stays small."""


@dataclass(slots=True)
class Tally:
    """Rows that were not there, that took another's place, the same as before, live ones left as they are, and those
    removed that were filled in and lack their inputs by now."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    live: int = 0
    removed: int = 0

    @property
    def written(self) -> int:
        """How many rows a command changes."""
        return self.new + self.changed + self.removed

    def add(self, other: "Tally") -> None:
        """Take another's counts to these."""
        self.new += other.new
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.live += other.live
        self.removed += other.removed


@dataclass(slots=True)
class Lines:
    """Messages of one kind, a sentence each: the first ones, and how many there are."""

    listed: list[str] = field(default_factory=list)
    total: int = 0

    def add(self, line: str) -> None:
        """Count a message, and list it if not too many are."""
        self.total += 1
        if len(self.listed) < LISTED:
            self.listed.append(line)

    @property
    def unlisted(self) -> int:
        """How many messages are counted alone."""
        return self.total - len(self.listed)


def to_write(keys: Sequence[Key], rows: Sequence[bytes], standing: Mapping[Key, Standing]) -> tuple[list[int], Tally]:
    """Which of the rows, vectors in pgvector's binary form, have to be written over what stands, by index."""
    tally, chosen = Tally(), []
    for index, (key, row) in enumerate(zip(keys, rows, strict=True)):
        stands = standing.get(key)
        if stands is None:
            tally.new += 1
            chosen.append(index)
        elif stands.origin == LIVE:
            tally.live += 1
        elif stands.vector == row:
            tally.unchanged += 1
        else:
            tally.changed += 1
            chosen.append(index)
    return chosen, tally


def to_remove(lacking: Iterable[Key], standing: Mapping[Key, Standing]) -> list[Key]:
    """Of the keys whose rows lack their inputs those that a seed command once filled in."""
    return [key for key in lacking if (stands := standing.get(key)) is not None and stands.origin == BACKFILL]
