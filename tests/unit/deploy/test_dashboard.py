"""The Grafana dashboard can be read, asks for metrics that there are, and shows every one of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest

from stream_app.metrics.listed import METRICS
from tests.unit.deploy.rules import ROOT
from tests.unit.deploy.used_metrics import used_metrics

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "stream-app.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
VARIABLES = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
OF_GRAFANA = {"__rate_interval", "__all"}


def expressions(panel: dict[str, Any]) -> Iterator[str]:
    """What a panel asks, with Grafana's interval as Prometheus would see it."""
    for target in panel.get("targets", ()):
        yield target["expr"].replace("$__rate_interval", "1m")


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    """The places of the grid that it covers."""
    at = panel["gridPos"]
    return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_asks_for_metrics_that_there_are(panel: dict[str, Any]) -> None:
    if panel["type"] == "row":
        return
    asked = list(expressions(panel))
    assert asked
    for expression in asked:
        promql.parse(expression)
        assert set(used_metrics(expression)) <= {metric.name for metric in METRICS}
    assert panel["description"].endswith(".")
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(panel))) <= VARIABLES | OF_GRAFANA


def test_every_metric_is_shown() -> None:
    shown = {name for panel in PANELS for expression in expressions(panel) for name in used_metrics(expression)}
    assert shown == {metric.name for metric in METRICS}


def test_what_a_legend_names_of_a_metric_it_has() -> None:
    labels = {metric.name: {*metric.labels, "stage", "instance", "le"} for metric in METRICS}
    for panel in PANELS:
        for target, expression in zip(panel.get("targets", ()), expressions(panel), strict=True):
            known = set().union(*(labels[name] for name in used_metrics(expression)))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known, panel["title"]


def test_panels_lie_beside_each_other_on_a_grid_of_24() -> None:
    covered = [cell for panel in PANELS for cell in cells(panel)]
    assert len(covered) == len(set(covered))
    assert max(x for x, _ in covered) < 24
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
