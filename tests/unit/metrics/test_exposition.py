"""What Prometheus reads is one page of all stages, by its own parser."""

from prometheus_client.parser import text_string_to_metric_families

from stream_app.health import StageReport
from stream_app.health.report import metrics
from stream_app.metrics.exposition import exposition
from stream_app.metrics.listed import CHUNK_SECONDS, LAG, RECORDS
from stream_app.metrics.samples import Family, Sample, gauge

RECORDS_OF_PRICES = gauge(RECORDS, {(): 12.0})
LAGS = gauge(LAG, {("0",): 3.0, ("7",): 0.0})


def told(page: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The values by sample name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """A sample's name and labels."""
    return name, frozenset(labels.items())


def test_a_metric_of_several_stages_stands_once_with_each_stage() -> None:
    page = exposition({"prices": [RECORDS_OF_PRICES, LAGS], "news": [gauge(RECORDS, {(): 4.0})]})
    assert page.decode().count("# TYPE stream_app_records_total counter\n") == 1
    assert told(page) == {
        key("stream_app_records_total", stage="prices"): 12.0,
        key("stream_app_records_total", stage="news"): 4.0,
        key("stream_app_lag_records", stage="prices", partition="0"): 3.0,
        key("stream_app_lag_records", stage="prices", partition="7"): 0.0,
    }


def test_a_histogram_keeps_its_buckets() -> None:
    ends = {"le": "0.1", "part": "decode"}
    family = Family(CHUNK_SECONDS.name, [Sample("stream_app_chunk_seconds_bucket", ends, 2.0)])
    assert told(exposition({"news": [family]})) == {
        key("stream_app_chunk_seconds_bucket", stage="news", part="decode", le="0.1"): 2.0
    }


def test_a_stage_that_is_dead_tells_nothing_but_that() -> None:
    alive = StageReport(stage="prices", partitions=2, metrics=(RECORDS_OF_PRICES,))
    dead = StageReport(stage="news", dead="has told nothing for 31 s", metrics=(RECORDS_OF_PRICES,))
    assert told(metrics([alive, dead])) == {
        key("stream_app_stage_alive", stage="prices"): 1.0,
        key("stream_app_stage_alive", stage="news"): 0.0,
        key("stream_app_stage_ready", stage="prices"): 1.0,
        key("stream_app_stage_ready", stage="news"): 0.0,
        key("stream_app_records_total", stage="prices"): 12.0,
    }
