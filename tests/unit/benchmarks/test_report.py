"""What a benchmark prints."""

import datetime as dt
import json
from pathlib import Path

import pytest

from benchmarks.machine import Machine, cpu_model, kafka_version, machine, versions
from benchmarks.report import Figure, Report, parser, publish
from benchmarks.rounds import alternate

QUICK = Figure("closes", 81_234.5, "/s", at_least=80_000, measured=(79_000.0, 81_234.5))
SLOW = Figure("p99", 251.0, "ms", at_most=250)
SHARE = Figure("share", 0.614, "%")


def report() -> Report:
    """A run of two figures."""
    return Report(
        benchmark="persist",
        job={"closes": 200_000, "topic": "prices.closes"},
        runs=2,
        figures=(QUICK, SLOW, SHARE),
        machine=Machine("A processor", 2, 23.9),
        versions={"python": "3.11.7", "postgres": "18.4"},
        at=dt.datetime(2026, 11, 23, 20, 5, tzinfo=dt.UTC),
    )


def test_a_figure_meets_its_targets_or_does_not_or_has_none() -> None:
    assert [figure.met for figure in (QUICK, SLOW, SHARE)] == [True, False, None]
    assert Figure("both", 5.0, "ms", at_least=1, at_most=4).met is False


def test_people_get_a_table_of_figures_with_spread_and_targets(capsys: pytest.CaptureFixture[str]) -> None:
    publish(report())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].rstrip() == "persist: closes 200,000, topic prices.closes; 2 runs"
    assert lines[1].rstrip() == "2026-11-23 20:05 UTC, A processor, 2 cores, 24 GiB"
    assert lines[2].rstrip() == "python 3.11.7, postgres 18.4"
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0] == ["what", "figure", "runs, least to most", "target", "met"]
    assert rows[2:] == [
        ["closes", "81,234 /s", "79,000 /s to 81,234 /s", "at least 80,000 /s", "yes"],
        ["p99", "251 ms", "", "at most 250 ms", "no"],
        ["share", "61%", "", "", ""],
    ]


def test_programs_get_one_line_of_json_also_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "runs.jsonl"
    publish(report(), file)
    publish(report(), file)
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [json.loads(line) for line in file.read_text().splitlines()] == [printed, printed]
    assert printed["machine"] == {"cpu": "A processor", "cores": 2, "memory_gib": 23.9}
    assert (printed["runs"], printed["at"], printed["job"]["closes"]) == (2, "2026-11-23T20:05:00Z", 200_000)
    assert printed["figures"][0]["measured"] == [79_000.0, 81_234.5]


def test_the_machine_is_told_without_its_name() -> None:
    assert cpu_model("processor : 0\nmodel name\t: A processor @ 2 GHz\nflags : a b\n") == "A processor @ 2 GHz"
    assert cpu_model("") != ""
    assert machine().cores >= 1
    assert machine().memory_gib > 0


def test_versions_are_those_of_what_runs() -> None:
    found = versions("numpy", postgres="18.4")
    assert list(found) == ["python", "numpy", "postgres"]
    assert kafka_version().count(".") == 2


async def test_candidates_take_turns_and_none_always_goes_first() -> None:
    order: list[str] = []

    async def run(name: str) -> float:
        order.append(name)
        return float(len(order))

    measured = await alternate({"a": lambda: run("a"), "b": lambda: run("b")}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert measured == {"a": [1.0, 4.0, 5.0], "b": [2.0, 3.0, 6.0]}


def test_every_benchmark_takes_the_number_of_rounds_and_a_file() -> None:
    given = parser("What it measures.", rounds=5).parse_args(["--json-lines", "runs.jsonl"])
    assert (given.rounds, given.json_lines) == (5, Path("runs.jsonl"))
