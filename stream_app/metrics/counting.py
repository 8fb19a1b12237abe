"""What this process counts, as logging is of a process: any module may add to a metric of the list, from any thread.

Counting costs a microsecond or two, so it is done once a chunk, never once a record.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from stream_app.metrics.listed import METRICS, NOT_COUNTED, OF_THE_PROCESS, Kind, Metric
from stream_app.metrics.samples import Family, Sample

_CREATED = "_created"
"""How the name of a sample ends that tells since when there is a counter; Prometheus has no use for it."""

_registry = CollectorRegistry()
_MADE: dict[str, Counter | Gauge | Histogram] = {}


def _made(metric: Metric) -> Counter | Gauge | Histogram:
    match metric.kind:
        case Kind.COUNTER:
            return Counter(metric.name, metric.meaning, metric.labels, registry=_registry)
        case Kind.GAUGE:
            return Gauge(metric.name, metric.meaning, metric.labels, registry=_registry)
        case Kind.HISTOGRAM:
            return Histogram(metric.name, metric.meaning, metric.labels, buckets=metric.buckets, registry=_registry)


def add(metric: Metric, amount: float = 1, *labels: str) -> None:
    """Let a counter grow."""
    of = _of(metric, labels)
    assert isinstance(of, Counter)
    of.inc(amount)


def set_to(metric: Metric, value: float, *labels: str) -> None:
    """Set a gauge."""
    of = _of(metric, labels)
    assert isinstance(of, Gauge)
    of.set(value)


def observe(metric: Metric, value: float, *labels: str) -> None:
    """Add a value to a histogram."""
    of = _of(metric, labels)
    assert isinstance(of, Histogram)
    of.observe(value)


def begin(metric: Metric, *labels: str) -> None:
    """Tell of these labels with 0 from now on, so that Prometheus sees the first that comes as a growth."""
    _of(metric, labels)


@contextmanager
def timed(metric: Metric, *labels: str) -> Iterator[None]:
    """Add what the block takes to a histogram; a block that raises is left out."""
    began = time.perf_counter()
    yield
    observe(metric, time.perf_counter() - began, *labels)


def snapshot(of: Collection[Metric] = METRICS) -> list[Family]:
    """What was counted so far of these metrics, and what there is to know of the process."""
    asked = {metric.name.removesuffix("_total"): metric.name for metric in of}
    return [
        Family(
            asked[family.name],
            [Sample(each.name, each.labels, each.value) for each in family.samples if not each.name.endswith(_CREATED)],
        )
        for family in _registry.collect()
        if family.name in asked
    ]


def _of(metric: Metric, labels: tuple[str, ...]) -> Counter | Gauge | Histogram:
    made = _MADE[metric.name]
    return made.labels(*labels) if metric.labels else made


_MADE |= {metric.name: _made(metric) for metric in METRICS if metric not in OF_THE_PROCESS + NOT_COUNTED}
for metric in METRICS:
    for labels in metric.from_start:
        _MADE[metric.name].labels(*labels)
ProcessCollector(registry=_registry)
