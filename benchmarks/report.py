"""How a benchmark tells what it measured: a table for people, one line of JSON for whoever compares runs."""

import argparse
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine

TABLE_COLUMNS = 200
"""Wider than any table: a table that is piped into a file is not folded."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One result. `measured` are what the rounds gave, in their order; `at_least` and `at_most` are its targets."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    measured: Sequence[float] = ()

    @property
    def met(self) -> bool | None:
        """Whether the targets are met; None where there is none."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What a benchmark measured, of which job, on what. `runs` counts the rounds, of which a figure takes the best."""

    benchmark: str
    job: Mapping[str, int | str]
    runs: int
    figures: Sequence[Figure]
    machine: Machine
    versions: Mapping[str, str]
    at: dt.datetime

    def to_json(self) -> str:
        """All of it on one line."""
        return msgspec.json.encode(self).decode()


def parser(doc: str | None, rounds: int) -> argparse.ArgumentParser:
    """The arguments that every benchmark takes; its own are added by the caller."""
    arguments = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=rounds)
    arguments.add_argument("--json-lines", type=Path, help="a file to which the line of JSON is added")
    return arguments


def publish(report: Report, json_lines: Path | None = None) -> None:
    """Print the report, and add its line of JSON to the file, where one is given."""
    console = Console(width=TABLE_COLUMNS, highlight=False, markup=False)
    console.print(heading(report), table(report))
    print(report.to_json())
    if json_lines is not None:
        json_lines.parent.mkdir(parents=True, exist_ok=True)
        with json_lines.open("a") as file:
            file.write(report.to_json() + "\n")


def heading(report: Report) -> str:
    """What was measured, when and on what, above the table."""
    job = ", ".join(f"{name} {_number(value)}" for name, value in report.job.items())
    used = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    on = report.machine
    return (
        f"{report.benchmark}: {job}; {report.runs} runs\n"
        f"{report.at:%Y-%m-%d %H:%M} UTC, {on.cpu}, {on.cores} cores, {on.memory_gib:.0f} GiB\n{used}\n"
    )


def table(report: Report) -> Table:
    """The figures, as Markdown, which reads well on a terminal too."""
    shown = Table("what", box=box.MARKDOWN)
    for column in ("figure", "runs, least to most", "target"):
        shown.add_column(column, justify="right")
    shown.add_column("met")
    for figure in report.figures:
        met = {None: "", True: "yes", False: "no"}[figure.met]
        shown.add_row(figure.name, _measured(figure.value, figure.unit), _spread(figure), _target(figure), met)
    return shown


def _spread(figure: Figure) -> str:
    if not figure.measured:
        return ""
    return f"{_measured(min(figure.measured), figure.unit)} to {_measured(max(figure.measured), figure.unit)}"


def _target(figure: Figure) -> str:
    bounds = (("at least", figure.at_least), ("at most", figure.at_most))
    return ", ".join(f"{word} {_measured(bound, figure.unit)}" for word, bound in bounds if bound is not None)


def _measured(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.0%}"
    return f"{_number(value)} {unit}"


def _number(value: float | str) -> str:
    """Three digits at least, thousands apart."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if isinstance(value, int) or value >= 100 else f"{value:#.3g}"  # noqa: PLR2004
