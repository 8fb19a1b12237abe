"""What a replay tells of its progress, kept."""


class Counted:
    """The parts that were begun, with their totals, and how much of each was done."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.done: dict[str, int] = {}

    def begin(self, what: str, total: int) -> None:
        """A part begins."""
        self.totals[what] = total
        self.done[what] = 0

    def advance(self, done: int) -> None:
        """So many more are done of the last part."""
        self.done[list(self.totals)[-1]] += done
