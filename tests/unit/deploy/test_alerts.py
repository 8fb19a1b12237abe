"""The alert rules fire where they should and nowhere else, and each says what to do."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import promql_parser as promql
import pytest

from stream_app.metrics.listed import METRICS
from tests.unit.deploy import promtool
from tests.unit.deploy.promql import Series, evaluated, seconds_of
from tests.unit.deploy.rules import PROMETHEUS, ROOT, RULES, firing, labels_of, read, series_of
from tests.unit.deploy.used_metrics import used_metrics

CASES: list[Mapping[str, Any]] = read("alerts_test.yml")["tests"]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ANCHORS = {
    re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", OPERATIONS, re.M)
}
OF_AN_ALERT = {"__name__", "alertname", "alertstate"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_alerts_of_a_case_are_those_that_fire(case: Mapping[str, Any]) -> None:
    series = series_of(case)
    for asked in case["promql_expr_test"]:
        name = dict(labels_of(asked["expr"])).get("alertname")
        fired = {
            (rule["alert"], labels)
            for rule in RULES
            if name in (None, rule["alert"])
            for labels in firing(rule, series, seconds_of(asked["eval_time"]), seconds_of("1m"))
        }
        expected = [dict(labels_of(each["labels"])) for each in asked["exp_samples"]]
        assert fired == {
            (of["alertname"], frozenset((k, v) for k, v in of.items() if k not in OF_AN_ALERT)) for of in expected
        }, asked


def test_every_alert_fires_in_some_case() -> None:
    fired = {
        dict(labels_of(sample["labels"]))["alertname"]
        for case in CASES
        for asked in case["promql_expr_test"]
        for sample in asked["exp_samples"]
    }
    assert fired == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: Mapping[str, Any]) -> None:
    told = rule["annotations"]
    assert re.fullmatch(r"[A-Z{].+\.", told["summary"])
    assert re.fullmatch(r".{60,}\.", told["description"], re.S)
    assert rule["labels"]["severity"] in ("critical", "warning")
    page, anchor = told["runbook"].split("#")
    assert page == "docs/operations.md"
    assert anchor in ANCHORS
    assert set(used_metrics(rule["expr"])) <= {metric.name for metric in METRICS}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_what_an_alert_names_of_its_labels_it_has(rule: Mapping[str, Any]) -> None:
    fired = [
        dict(labels_of(sample["labels"]))
        for case in CASES
        for asked in case["promql_expr_test"]
        for sample in asked["exp_samples"]
    ]
    (labels, *_) = [each for each in fired if each["alertname"] == rule["alert"]]
    named = {name for text in rule["annotations"].values() for name in re.findall(r"\$labels\.(\w+)", text)}
    assert named <= set(labels)


@pytest.mark.skipif(promtool.found() is None, reason=promtool.MISSING)
@pytest.mark.parametrize(
    "words",
    [("test", "rules", "alerts_test.yml"), ("check", "rules", "alerts.yml"), ("check", "config", "prometheus.yml")],
)
def test_prometheus_itself_finds_the_same(words: Sequence[str]) -> None:
    command = [str(promtool.found()), *words]
    checked = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_the_evaluator_does_not_know_it_refuses() -> None:
    known = [Series(frozenset([("__name__", "a"), ("b", "c")]), [(0.0, 1.0)])]
    for expression in ("topk(1, a)", "a offset 5m > 1", "a unless b", 'a{b!="c"} > 1', "sum without (b) (a)"):
        with pytest.raises((NotImplementedError, KeyError)):
            evaluated(expression, known, 0.0)
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql.parse("sum by (")
