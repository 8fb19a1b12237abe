"""What Prometheus reads: the samples of several processes as one page, each with the stage that told it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client import Metric as Told
from prometheus_client.registry import Collector

from stream_app.metrics.listed import METRICS
from stream_app.metrics.samples import Family

CONTENT_TYPE = CONTENT_TYPE_LATEST


class _Merged(Collector):
    """Each metric of the list once, with the samples of every process."""

    def __init__(self, by_stage: Mapping[str, Sequence[Family]]) -> None:
        self._by_stage = by_stage

    def collect(self) -> Iterator[Told]:
        """The metrics that have samples, in the order of the list."""
        for metric in METRICS:
            told = Told(metric.name.removesuffix("_total"), metric.meaning, metric.kind)
            for stage, family in self._of(metric.name):
                for sample in family.samples:
                    told.add_sample(sample.name, {"stage": stage, **sample.labels}, sample.value)
            if told.samples:
                yield told

    def _of(self, name: str) -> Iterable[tuple[str, Family]]:
        for stage, families in self._by_stage.items():
            yield from ((stage, family) for family in families if family.metric == name)


def exposition(by_stage: Mapping[str, Sequence[Family]]) -> bytes:
    """The page, in Prometheus' text format (`CONTENT_TYPE`)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Merged(by_stage))
    return generate_latest(registry)
