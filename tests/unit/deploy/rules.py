"""Alert rules and their cases, in Prometheus' own file formats."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import promql_parser as promql
from ruamel.yaml import YAML

from tests.unit.deploy.promql import NAME, Labels, Series, evaluated, seconds_of

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
_VALUES = re.compile(r"(_|-?[0-9.]+)(?:([+-][0-9.]+))?(?:x([0-9]+))?")


def read(name: str) -> Any:
    """A file of deploy/prometheus."""
    return YAML(typ="safe").load((PROMETHEUS / name).read_text())


RULES: Sequence[Mapping[str, Any]] = read("alerts.yml")["groups"][0]["rules"]


def series_of(case: Mapping[str, Any]) -> list[Series]:
    """A case's samples."""
    step = seconds_of(case["interval"])
    return [
        Series(
            labels_of(each["series"]),
            [(n * step, value) for n, value in enumerate(_values(each["values"])) if value is not None],
        )
        for each in case["input_series"]
    ]


def labels_of(selector: str) -> Labels:
    """The labels that a series' name spells out, its name among them."""
    parsed: Any = promql.parse(selector)
    return frozenset([(NAME, parsed.name), *((each.name, each.value) for each in parsed.matchers.matchers)])


def _values(notation: str) -> Iterator[float | None]:
    """Prometheus' notation: `1 2`, `0+10x5` (0 and five more, each 10 above the last), `_` for a missing one."""
    for part in notation.split():
        found = _VALUES.fullmatch(part)
        if found is None:
            raise NotImplementedError(part)
        first, growth, more = found.groups()
        for n in range(int(more or 0) + 1):
            yield None if first == "_" else float(first) + n * float(growth or 0)


def firing(rule: Mapping[str, Any], series: Sequence[Series], until: float, step: float) -> set[Labels]:
    """The labels of the alerts of a rule that fire at a time, evaluated at each step up to it."""
    since: dict[Labels, float] = {}
    for n in range(int(until // step) + 1):
        found = evaluated(rule["expr"], series, n * step)
        assert isinstance(found, dict)
        active = {frozenset((name, text) for name, text in labels if name != NAME) for labels in found}
        since = {labels: since.get(labels, n * step) for labels in active}
    waits = seconds_of(rule["for"]) if "for" in rule else 0.0
    return {labels | set(rule["labels"].items()) for labels, begun in since.items() if until - begun >= waits}
