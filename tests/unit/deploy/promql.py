"""As much of PromQL as the alert rules use, evaluated over samples at whole minutes; anything else is refused.

Its parser is Prometheus' own grammar (promql-parser). deploy/prometheus/alerts_test.yml is what both this and promtool
try, so that where Prometheus is installed the two can be held against each other.
"""

import datetime as dt
import itertools
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser as promql

LOOKBACK_SECONDS = 300.0
NAME = "__name__"

Labels = frozenset[tuple[str, str]]
Samples = Sequence[tuple[float, float]]
"""Seconds and values, ascending."""
Vector = dict[Labels, float]
Value = float | Vector

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
AGGREGATIONS: dict[str, Callable[[Sequence[float]], float]] = {"sum": sum, "min": min, "max": max}


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one series."""

    labels: Labels
    samples: Samples


def evaluated(expression: str, series: Sequence[Series], at: float) -> Value:
    """The expression's value at a time."""
    return _value(promql.parse(expression), series, at)


def _value(node: Any, series: Sequence[Series], at: float) -> Value:
    match node:
        case promql.NumberLiteral():
            return float(node.val)
        case promql.ParenExpr():
            return _value(node.expr, series, at)
        case promql.VectorSelector():
            return {each.labels: value for each in _chosen(node, series) if (value := _newest(each, at)) is not None}
        case promql.Call():
            return _called(node, series, at)
        case promql.AggregateExpr():
            return _aggregated(node, series, at)
        case promql.BinaryExpr():
            return _combined(node, series, at)
    raise NotImplementedError(f"{type(node).__name__}: {node}")


def _chosen(selector: Any, series: Sequence[Series]) -> list[Series]:
    if selector.offset is not None or selector.at is not None or selector.matchers.or_matchers:
        raise NotImplementedError(str(selector))
    named = [each for each in series if (NAME, selector.name) in each.labels]
    return [
        each for each in named if all(_matches(matcher, dict(each.labels)) for matcher in selector.matchers.matchers)
    ]


def _matches(matcher: Any, labels: dict[str, str]) -> bool:
    if matcher.op == promql.MatchOp.Equal:
        return bool(labels.get(matcher.name, "") == matcher.value)
    if matcher.op == promql.MatchOp.Re:
        return re.fullmatch(matcher.value, labels.get(matcher.name, "")) is not None
    raise NotImplementedError(str(matcher.op))


def _newest(each: Series, at: float) -> float | None:
    seen = [value for time, value in each.samples if at - LOOKBACK_SECONDS < time <= at]
    return seen[-1] if seen else None


def _called(call: Any, series: Sequence[Series], at: float) -> Vector:
    (argument,) = call.args
    if call.func.name == "absent":
        equal = [each for each in argument.matchers.matchers if each.op == promql.MatchOp.Equal]
        return {} if _value(argument, series, at) else {frozenset((each.name, each.value) for each in equal): 1.0}
    function = OVER_A_RANGE[call.func.name]
    if not isinstance(argument, promql.MatrixSelector):
        raise NotImplementedError(str(call))
    seconds = argument.range.total_seconds()
    found: Vector = {}
    for each in _chosen(argument.vector_selector, series):
        window = [(time, value) for time, value in each.samples if at - seconds <= time <= at]
        if (value := function(window, at, seconds)) is not None:
            found[_without_name(each.labels)] = value
    return found


def _increase(window: Samples, at: float, seconds: float) -> float | None:
    """Prometheus' extrapolatedRate: to the window's ends, but not by more than half a step where the series ends."""
    if len(window) < 2:
        return None
    values = [value for _, value in window]
    grown = sum(after - before if after >= before else after for before, after in itertools.pairwise(values))
    first, last = window[0][0], window[-1][0]
    step = (last - first) / (len(window) - 1)
    to_start, to_end = first - (at - seconds), at - last
    if grown > 0 and values[0] >= 0:
        to_start = min(to_start, (last - first) * values[0] / grown)
    reach = last - first
    reach += to_start if to_start < 1.1 * step else step / 2
    reach += to_end if to_end < 1.1 * step else step / 2
    return grown * reach / (last - first)


def _rate(window: Samples, at: float, seconds: float) -> float | None:
    increase = _increase(window, at, seconds)
    return None if increase is None else increase / seconds


def _changes(window: Samples, at: float, seconds: float) -> float | None:
    del at, seconds
    values = [value for _, value in window]
    return float(sum(a != b for a, b in itertools.pairwise(values))) if values else None


OVER_A_RANGE: dict[str, Callable[[Samples, float, float], float | None]] = {
    "increase": _increase,
    "rate": _rate,
    "changes": _changes,
}


def _aggregated(node: Any, series: Sequence[Series], at: float) -> Vector:
    if node.modifier is None or node.modifier.type != promql.AggModifierType.By or node.param is not None:
        raise NotImplementedError(str(node))
    kept, of = set(node.modifier.labels), _value(node.expr, series, at)
    assert isinstance(of, dict)
    groups: dict[Labels, list[float]] = {}
    for labels, value in of.items():
        groups.setdefault(frozenset((name, text) for name, text in labels if name in kept), []).append(value)
    return {labels: AGGREGATIONS[str(node.op)](values) for labels, values in groups.items()}


def _combined(node: Any, series: Sequence[Series], at: float) -> Vector:
    left, right, op = _value(node.lhs, series, at), _value(node.rhs, series, at), str(node.op)
    assert isinstance(left, dict)
    if op == "and" and isinstance(right, dict):
        others = {_without_name(labels) for labels in right}
        return {labels: value for labels, value in left.items() if _without_name(labels) in others}
    if op == "or" and isinstance(right, dict):
        return right | left
    if op in COMPARISONS and isinstance(right, float):
        return {labels: value for labels, value in left.items() if COMPARISONS[op](value, right)}
    if op == "/" and isinstance(right, dict):
        divisors = {_without_name(labels): value for labels, value in right.items()}
        named = {_without_name(labels): value for labels, value in left.items()}
        return {labels: _divided(value, divisors[labels]) for labels, value in named.items() if labels in divisors}
    raise NotImplementedError(str(node))


def _divided(value: float, by: float) -> float:
    return value / by if by else (float("nan") if value == 0 else float("inf"))


def _without_name(labels: Labels) -> Labels:
    return frozenset((name, text) for name, text in labels if name != NAME)


def seconds_of(duration: str) -> float:
    """A duration as Prometheus writes it."""
    found: dt.timedelta = promql.parse_duration(duration)
    return found.total_seconds()
