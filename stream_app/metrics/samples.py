"""Samples as they travel from a stage's process to the one that Prometheus asks."""

from collections.abc import Mapping, Sequence

import msgspec

from stream_app.metrics.listed import Metric


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One value, by its name (a histogram's ends in _bucket, _sum or _count)."""

    name: str
    labels: Mapping[str, str]
    value: float


class Family(msgspec.Struct, frozen=True, array_like=True):
    """The samples of one metric of the list."""

    metric: str
    samples: Sequence[Sample]


def gauge(metric: Metric, values: Mapping[tuple[str, ...], float]) -> Family:
    """A gauge, or a counter, whose values are known elsewhere, by the values of its labels."""
    samples = [Sample(metric.name, dict(zip(metric.labels, of, strict=True)), value) for of, value in values.items()]
    return Family(metric.name, samples)
