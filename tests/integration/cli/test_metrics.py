"""What Prometheus scrapes of a real worker is what its stages did."""

import asyncio
import datetime as dt
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.metrics.listed import METRICS
from tests.integration.cli.conftest import CommandLine
from tests.integration.pipeline import DEADLINE_SECONDS, Place, article, close, weekdays

DAY = dt.date(2025, 1, 31)
NOON = dt.datetime(2025, 1, 31, 12, tzinfo=dt.UTC)
HEALTH = re.compile(r"health is answered at (http://[0-9.:]+)/livez and /readyz, metrics at /metrics")
PRICES_SENT, TEXTS_SENT = 4, 3
JOINT = "joint-regime-core-v1"
OF_US = {"stage": "contexts", "region": "US"}

Page = Mapping[str, float]
"""Values by `name{label="value",…}`, labels by name."""


@pytest.fixture
def url(stream_app: CommandLine) -> Iterator[str]:
    """Where a worker answers."""
    stream_app.environment.update(STREAM_APP_HEALTH_PORT="0", STREAM_APP_JOINT_MODELS=JOINT)
    with stream_app.started("worker") as worker:
        yield address(worker)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0


def address(worker: "subprocess.Popen[str]") -> str:
    """The address that the worker logs."""
    assert worker.stderr is not None
    return next(found[1] for line in worker.stderr if (found := HEALTH.search(line)))


def scraped(url: str) -> Page:
    """What Prometheus reads now."""
    with urlopen(f"{url}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        page = answer.read().decode()
    return {
        told(sample.name, **sample.labels): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def told(name: str, **labels: str) -> str:
    """A sample as the page names it."""
    return name + "{" + ",".join(f'{label}="{labels[label]}"' for label in sorted(labels)) + "}"


def until_told(url: str, wanted: Mapping[str, float]) -> Page:
    """Scrape until these values are told."""
    deadline = time.monotonic() + 2 * DEADLINE_SECONDS
    while True:
        page = scraped(url)
        missing = {name: (page.get(name), value) for name, value in wanted.items() if page.get(name) != value}
        if not missing:
            return page
        assert time.monotonic() < deadline, missing
        time.sleep(0.2)


async def send(place: Place) -> None:
    """Four closes and two records that are none, three articles, two of them with the same text."""
    async with place.pipeline() as path:
        await path.send_to(0, *[close("SPX.US", day, 1200.0) for day in weekdays(DAY, PRICES_SENT)])
        await path.send_raw(PRICES.name, 0, (b"A", b"no json"), (b"A", b"no json"))
        await path.send(*[article(name, NOON, text) for name, text in (("a", "Up."), ("b", "Up."), ("c", "Down."))])
        await path.send_raw(NEWS.name, 1, (b"a", None))


async def triggers_sent(place: Place) -> int:
    """Of the one close: the command and the closer may both publish its trigger."""
    async with place.pipeline() as path:
        return sum(await path.services.log.end_offsets(path.services.topic(DAY_CLOSES.name)))


def test_the_counts_are_those_of_what_was_sent(url: str, stream_app: CommandLine, place: Place) -> None:
    until_told(url, {f'stream_app_stage_ready{{stage="{stage}"}}': 1.0 for stage in ("prices", "news", "contexts")})
    asyncio.run(send(place))
    page = until_told(
        url,
        {
            'stream_app_records_total{stage="prices"}': PRICES_SENT + 2,
            'stream_app_rejected_records_total{reason="not-json",stage="prices"}': 2,
            'stream_app_records_total{stage="news"}': TEXTS_SENT + 1,
            'stream_app_rejected_records_total{reason="null-value",stage="news"}': 1,
            'stream_app_lag_records{partition="0",stage="prices"}': 0,
            'stream_app_lag_records{partition="1",stage="news"}': 0,
            'stream_app_partitions{stage="prices"}': 2,
            told("stream_app_close_to_context_seconds_count", **OF_US): 0,
        },
    )
    texts = {
        of: page.get(f'stream_app_texts_total{{stage="news",vector="{of}"}}', 0.0) for of in ("computed", "reused")
    }
    assert texts["computed"] == 2.0, "each text once"
    assert texts["reused"] in (0.0, 1.0), "the same text in another chunk"
    for part in ("decode", "transaction", "publish", "total"):
        assert page[f'stream_app_chunk_seconds_count{{part="{part}",stage="prices"}}'] >= 1.0
    assert page['stream_app_chunk_seconds_count{part="encode",stage="news"}'] >= 1.0
    assert page['stream_app_service_up{service="Kafka",stage="contexts"}'] == 1.0

    stream_app.run(f"close --region US --as-of {DAY}")
    page = until_told(
        url,
        {
            told("stream_app_revisions_total", **OF_US, model=JOINT, absent="insufficient-prices"): 1,
            'stream_app_records_total{stage="contexts"}': asyncio.run(triggers_sent(place)),
            told("stream_app_close_to_context_seconds_count", **OF_US): 1,
            told("stream_app_cut_waiting_seconds", **OF_US): 0,
        },
    )
    assert 0.0 < page[told("stream_app_close_to_context_seconds_sum", **OF_US)] < DEADLINE_SECONDS
    names = {re.sub(r"(_bucket|_count|_sum)?\{.*", "", name) for name in page}
    assert names <= {metric.name for metric in METRICS}
