"""What a recipe does, to whom and when: shown with a test that fails, and counted for the summary of `make faults`."""

import time
from collections import Counter


class Actions:
    """The actions of one test, in order, and the figures of all tests of this process."""

    def __init__(self) -> None:
        self.figures: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """A test begins: forget the actions of the one before."""
        self._began = time.monotonic()
        self._lines: list[str] = []

    def note(self, what: str, **counted: int) -> None:
        """Note an action, and what it adds to the figures."""
        self._lines.append(f"{time.monotonic() - self._began:8.3f} s  {what}")
        self.figures.update(counted)

    def told(self) -> str:
        """The test's actions, a line each, with the seconds since its start."""
        return "\n".join(self._lines)


ACTIONS = Actions()
"""The process's one log of actions, as pytest runs one test at a time."""
note = ACTIONS.note
