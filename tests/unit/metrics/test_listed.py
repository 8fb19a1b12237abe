"""The list of metrics follows Prometheus' conventions, and everything on it is told by somebody."""

import ast
import re

import pytest

from stream_app.metrics import listed
from stream_app.metrics.listed import METRICS, NOT_COUNTED, OF_THE_PROCESS, Kind, Metric
from tests.unit.test_imports import ROOT, modules

BASE_UNITS = {"seconds": "_seconds", "bytes": "_bytes", "records": "_records"}


def by_constant() -> dict[str, Metric]:
    """The metrics by the names of their constants."""
    return {name: value for name, value in vars(listed).items() if isinstance(value, Metric)}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_name_says_what_it_is(metric: Metric) -> None:
    assert re.fullmatch(r"(stream_app|process)_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    if (suffix := BASE_UNITS.get(metric.unit)) is not None:
        assert metric.name.removesuffix("_total").endswith(suffix)
    assert not {"stage", "le", "instance", "job"} & set(metric.labels), "others add these"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_meaning_is_a_sentence_and_a_histogram_has_rising_buckets(metric: Metric) -> None:
    assert re.fullmatch(r"[A-Z].+\.", metric.meaning)
    assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)
    assert list(metric.buckets) == sorted(set(metric.buckets))


def test_the_list_is_whole_and_has_each_name_once() -> None:
    assert sorted(by_constant().values(), key=METRICS.index) == list(METRICS)
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_the_reasons_told_from_the_start_are_those_that_the_schemas_document() -> None:
    text = " ".join((ROOT / "schemas" / "README.md").read_text().split())
    told = re.search(r"under one of these reasons: (.*?)\. - `future-date`", text)
    assert told is not None
    outside_of_brackets = re.sub(r"\([^)]*\)", "", told[1])
    assert set(re.findall(r"`([a-z0-9-]+)`", outside_of_brackets)) == set(listed.REASONS)


def test_every_metric_is_told_by_some_module() -> None:
    told = set()
    for name, path in modules("agents", "stream_app"):
        if name != listed.__name__:
            told |= {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    untold = {name for name, metric in by_constant().items() if name not in told and metric not in OF_THE_PROCESS}
    assert untold == set()
    assert all(metric in METRICS for metric in NOT_COUNTED)
