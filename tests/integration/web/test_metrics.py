"""What Prometheus scrapes of a server: requests by route and status, how long they took, and open streams."""

from collections.abc import Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from stream_app.metrics.listed import EVENT_STREAMS, OF_THE_SERVER
from stream_app.web.access import Access
from stream_app.web.site import Site
from tests.integration.web.conftest import asking
from tests.integration.web.streams import streaming

METRICS = "http://localhost/metrics"
CONTEXTS = "/api/v1/regions/{region}/contexts"
TOKEN = "a-token-of-the-tests"
TIMED = ("stream_app_request_seconds_count", "stream_app_request_seconds_sum")

Page = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(client: httpx.AsyncClient) -> Page:
    """The samples by their names and labels, which all have the stage."""
    answer = await client.get(METRICS)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = [each for family in text_string_to_metric_families(answer.text) for each in family.samples]
    assert {each.labels.pop("stage") for each in samples} == {"serve"}
    return {(each.name, frozenset(each.labels.items())): each.value for each in samples}


def value(page: Page, name: str, **labels: str) -> float:
    """A sample's value; 0 where there is none yet."""
    return page.get((name, frozenset(labels.items())), 0.0)


@pytest.mark.parametrize(
    ("asked", "route", "status"),
    [
        ("regions/US/contexts?limit=1", CONTEXTS, "200"),
        ("regions/US/contexts?limit=0", CONTEXTS, "422"),
        ("regions/ATLANTIS/contexts", CONTEXTS, "404"),
        ("regions/US/nothing", "other", "404"),
        ("http://localhost/livez", "/livez", "200"),
        ("http://localhost/page/1/none.js", "/page/{version}/{name}", "404"),
        ("openapi.json", "other", "200"),
    ],
)
async def test_a_request_is_counted_and_timed_by_its_route(
    client: httpx.AsyncClient, asked: str, route: str, status: str
) -> None:
    before = await scraped(client)
    assert (await client.get(asked)).status_code == int(status)
    after = await scraped(client)
    grown = {name: value(after, name, route=route) - value(before, name, route=route) for name in TIMED}
    assert grown["stream_app_request_seconds_count"] == 1
    assert 0 < grown["stream_app_request_seconds_sum"] < 60
    labels = {"route": route, "status": status}
    name = "stream_app_requests_total"
    assert value(after, name, **labels) == value(before, name, **labels) + 1


async def test_what_strangers_ask_makes_up_no_labels(client: httpx.AsyncClient) -> None:
    paths = ("nothing/{number}", "regions/R{number}/contexts", "http://localhost/{number}", "regions/US/{number}")
    known = list[set[tuple[str, frozenset[tuple[str, str]]]]]()
    for number in range(3):
        for path in paths:
            await client.get(path.format(number=number), headers={"Host": "evil.example"} if number == 2 else {})
        known.append(set(await scraped(client)))
    labels = {label for _, labels in known[2] - known[0] for label in labels}
    assert labels <= {("route", "other"), ("status", "421")}


async def test_open_streams_are_told_and_not_timed(site: Site, client: httpx.AsyncClient) -> None:
    before = await scraped(client)
    async with streaming(site) as stream:
        await stream.next()
        during = await scraped(client)
    assert value(during, EVENT_STREAMS.name) == 1
    after = await scraped(client)
    assert value(after, EVENT_STREAMS.name) == 0
    route = "/api/v1/events"
    requests = [value(page, "stream_app_requests_total", route=route, status="200") for page in (before, after)]
    assert requests[1] == requests[0] + 1
    assert value(after, TIMED[0], route=route) == 0


async def test_it_tells_nothing_that_only_a_worker_counts(client: httpx.AsyncClient) -> None:
    await client.get(METRICS)
    ends = ("_bucket", "_sum", "_count")
    told = {name for name, _ in await scraped(client)}
    names = {next((name.removesuffix(end) for end in ends if name.endswith(end)), name) for name in told}
    assert names == {metric.name for metric in (*OF_THE_SERVER, EVENT_STREAMS)}


async def test_with_a_token_the_metrics_need_it_and_who_is_refused_is_counted(site: Site) -> None:
    guarded = asking(Site(site.services, Access(token=SecretStr(TOKEN)), site.registry, site.feed, site.looks))
    assert (await guarded.get(METRICS)).status_code == 401
    guarded.headers["Authorization"] = f"Bearer {TOKEN}"
    assert value(await scraped(guarded), "stream_app_requests_total", route="other", status="401") > 0
