"""What a person sees while files are ingested and days computed, and the report after it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from stream_app.ingest.report import Reason, Report
from stream_app.ingest.sending import Moved
from stream_app.ingest.waiting import Show

WIDTH_ELSEWHERE = 120
"""Of a table that is not written to a terminal, in characters."""


class Bars:
    """Progress bars: one a file, by the bytes read of it on disk, and one a wait."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._files: dict[Path, TaskID] = {}

    def moved(self, moved: Moved) -> None:
        """A chunk of a file was sent."""
        path, size_bytes = moved.source.path, moved.source.size_bytes
        read_bytes = moved.read_bytes if size_bytes is None else min(moved.read_bytes, size_bytes)
        if path not in self._files:
            self._files[path] = self._progress.add_task(path.name, total=size_bytes, told="")
        told = f"{moved.report.read:,} rows, {moved.report.rate:,.0f} rows/s"
        self._progress.update(self._files[path], completed=read_bytes, told=told)

    def counting_down(self, what: str) -> Show:
        """A bar for a wait; it is told what is left, the most of which is its whole."""
        task = self._progress.add_task(what, total=None, told="")
        whole = 0

        def show(left: int) -> None:
            nonlocal whole
            whole = max(whole, left)
            told = f"{whole - left:,} of {whole:,}"
            self._progress.update(task, total=max(whole, 1), completed=whole - left if whole else 1, told=told)

        return show


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars on standard error; where that is no terminal nothing is written."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        yield Bars(progress)


def console() -> Console:
    """Standard output, wide enough for a table also where it is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_ELSEWHERE)


def report_line(report: Report) -> str:
    """The counts of a report in one sentence."""
    line = f"{report.read:,} rows read: {report.sent:,} sent, {report.rejected:,} rejected ({report.rate:,.0f} rows/s)."
    if report.left_out:
        line += f" Of {report.left_out:,} rows the unknown columns were too many or too large and were left out."
    if report.unread:
        line += f" {report.unread:,} articles name no language that a region reads, so they count on no day."
    return line


def reasons_table(report: Report) -> Table:
    """Why rows were rejected, how many, and where the first ones are."""
    table = Table(box=None, pad_edge=False)
    table.add_column("rejected", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    table.add_column("first rows", overflow="fold")
    for reason in report.most_frequent():
        table.add_row(f"{reason.rows:,}", Text(_told(reason)), Text(", ".join(reason.examples)))
    return table


def by_region(days: Mapping[str, int]) -> str:
    """Numbers of days by region, as in `US 1,007, EU 1,015`."""
    return ", ".join(f"{region} {number:,}" for region, number in days.items())


def _told(reason: Reason) -> str:
    return reason.error if reason.code == "invalid" else f"{reason.code}: {reason.error}"
