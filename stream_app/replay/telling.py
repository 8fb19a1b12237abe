"""Who is told how far a replay has come."""

from typing import Protocol


class Told(Protocol):
    """Something that shows progress."""

    def begin(self, what: str, total: int) -> None:
        """A part of the work begins: `total` records, or days."""
        ...

    def advance(self, done: int) -> None:
        """So many more are done."""
        ...
