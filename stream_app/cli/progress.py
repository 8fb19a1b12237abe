"""A bar for each part of a long command, with its rate and the time left."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class RateColumn(ProgressColumn):
    """How much is done in a second."""

    def render(self, task: Task) -> Text:
        """The rate of the last half minute."""
        return Text(f"{task.speed or 0:,.0f}/s", style="progress.data.speed")


class Bars:
    """The parts of one command, of which the last one begun goes on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def begin(self, what: str, total: int) -> None:
        """A part begins: `total` records, or days."""
        self._progress.add_task(what, total=total)

    def advance(self, done: int) -> None:
        """So many more are done."""
        self._progress.advance(self._progress.task_ids[-1], done)


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars on standard error; where that is no terminal nothing is written."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        yield Bars(progress)
