"""Who may ask, and what a browser is told; whatever is asked wrongly is a problem that says so, never a failure."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr

from stream_app.store.database import connection
from stream_app.web import guards
from stream_app.web.access import Access
from stream_app.web.site import Site
from tests.integration.web.conftest import asking

TOKEN = "a-token-of-the-tests"
OPEN = ("http://localhost/livez", "http://localhost/readyz")
READS = ("regions", "regions/US/contexts", "regions/US/contexts/2008-09-15", "models", "pipeline", "openapi.json")
INJECTIONS = ("US'; DROP TABLE regions; --", "US' OR '1'='1", "US\\", '"; SELECT pg_sleep(9)', "%' UNION SELECT 1 --")


def is_problem(answer: httpx.Response, *statuses: int) -> None:
    """A problem of one of these statuses, in a sentence, without a traceback."""
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["title"] and told["detail"].rstrip().endswith((".", ".)"))
    assert len(answer.content) < 4_096
    assert "Traceback" not in answer.text


@pytest.fixture
async def guarded(site: Site) -> httpx.AsyncClient:
    """A client of a site that asks for a token."""
    return asking(Site(site.services, Access(token=SecretStr(TOKEN)), site.registry, site.feed, site.looks))


async def test_with_a_token_every_route_of_the_api_needs_it(guarded: httpx.AsyncClient) -> None:
    elsewhere = ("http://localhost/metrics", "http://localhost/nothing", "http://localhost/page")
    for path in (*READS, "events", "nothing", "../v1/regions", "regions/US/map", *elsewhere):
        for header in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = await guarded.get(path, headers=header)
            is_problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    for path in READS:
        assert (await guarded.get(path, headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 200


@pytest.mark.parametrize(
    "path", ["http://localhost/metrics%0A", "events%0A", "http://localhost/livez%0A", "regions%0A"]
)
async def test_a_newline_at_the_end_makes_no_other_path_of_it(
    client: httpx.AsyncClient, guarded: httpx.AsyncClient, path: str
) -> None:
    for asked in (client, guarded):
        is_problem(await asked.get(path), 404)


async def test_the_probes_need_no_token(guarded: httpx.AsyncClient) -> None:
    for path in OPEN:
        assert (await guarded.get(path)).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::2]"])
async def test_a_name_that_is_not_the_servers_own_is_refused(client: httpx.AsyncClient, host: str) -> None:
    for path in ("regions", *OPEN):
        is_problem(await client.get(path, headers={"Host": host}), 421)


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1", "LOCALHOST", "[::1]:8765"])
async def test_its_own_names_are_known_with_any_port(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("models", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("path", ["regions", "nothing", "regions?x=1", "http://localhost/livez", "http://localhost/"])
async def test_a_browser_is_told_to_run_and_to_frame_nothing_of_others(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path, headers={"Origin": "https://evil.example"})).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert (policy["frame-ancestors"], headers["x-frame-options"]) == ("'none'", "DENY")
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_it_is_only_read(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "regions/US/contexts")
    is_problem(answer, 405)
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=99999999999999999999999999",
        "limit=1e3",
        "limit=ten",
        "limit=",
        "start=2008-02-30",
        "start=20080915",
        "start=1221436800",
        "start=2008-9-1",
        "start=99999-01-01",
        "start=0000-01-01",
        "start=-001-01-01",
        "end=2008-01-01%00",
        "start=2008-09-02&end=2008-09-01",
        "known_at=2008-09-15T20:00:00",
        "known_at=2008-09-15",
        "known_at=0001-01-01T00:00:00%2B14:00",
        "known_at=9999-12-31T23:59:59-14:00",
        "known_at=now",
        "model_id=",
        "model_id=a%00b",
        "model_id=a|b",
        f"model_id={'x' * 201}",
        "vectors=1",
        "vectors=yes",
        "absent=null",
        "order=up",
        "format=xml",
        "cursor=",
        "cursor=%00",
        "cursor=../../etc/passwd",
        f"cursor={'A' * 1_025}",
        "cursor=eyJ0eXBlIjoiZGF5IiwiYXNfb2YiOiIyMDA4LTAyLTMwIn0",
        "cursor=eyJ0eXBlIjoibGV0dGVyIn0",
        "limit=1&limit=2",
        "start=2008-01-01&start=2008-01-02",
        "unknown=1",
        "Limit=1",
        "limit[]=1",
        "%00=1",
        "start[$ne]=1",
    ],
)
async def test_a_malformed_parameter_is_refused_by_its_name(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"regions/US/contexts?{query}")
    is_problem(answer, 422)
    names = {pair.partition("=")[0].replace("%00", "\x00") for pair in query.split("&")}
    assert {wrong["name"] for wrong in answer.json()["errors"]} <= names


async def test_a_long_value_is_not_handed_back(client: httpx.AsyncClient) -> None:
    for name in ("start", "known_at", "x" * 3_000, "model_id"):
        is_problem(await client.get("regions/US/contexts", params={name: "9" * 4_000}), 422)


@pytest.mark.parametrize(
    "path",
    [
        "dead-letters?since=2008-01-02&until=2008-01-01",
        "dead-letters?since=yesterday",
        "dead-letters?until=9999-12-31",
        "dead-letters?topic=../prices.closes",
        "dead-letters?reason=%00",
        "dead-letters?" + "&".join(f"reason=r{number}" for number in range(65)),
        "dead-letters?limit=5000",
        "dead-letters/reasons?limit=5",
        "regions/US/contexts/2008-09-15/analogues?min_gap_days=-1",
        "regions/US/contexts/2008-09-15/analogues?limit=101",
        "regions/US/contexts/2008-09-15/analogues?regions=",
        "regions/US/contexts/2008-09-15?articles_limit=501",
        "regions/US/contexts/2008-09-15?articles_cursor=eyJ0eXBlIjoiZGF5IiwiYXNfb2YiOiIyMDA4LTAxLTAxIn0",
        "regions/US/contexts/not-a-day",
        "regions/US/contexts/2008-13-01",
        "regions/US/timeline?limit=1",
        "regions/US/map?known_at=2008-09-15T20:00:00Z",
        "regions?region=US",
        "pipeline?verbose=true",
        "events?region=a%7Cb",
        "http://localhost/livez?x=1",
    ],
)
async def test_every_route_knows_its_bounds(client: httpx.AsyncClient, path: str) -> None:
    is_problem(await client.get(path), 422)


@pytest.mark.parametrize(
    "path",
    [
        "regions/",
        "regions/%2e%2e/contexts",
        "regions/..%2f..%2fetc%2fpasswd/contexts",
        "regions/US%00/contexts",
        "regions/US%0a/contexts",
        f"regions/{'x' * 65}/contexts",
        "regions/%ff%fe/contexts",
        "regions/US/contexts/2008-09-15/",
        "regions/US/contexts/2008-09-15%2f..%2f",
        "//regions",
        "http://localhost/../../etc/passwd",
        "http://localhost/static/../../pyproject.toml",
        "http://localhost/api",
        "http://localhost/API/v1/regions",
    ],
)
async def test_tricks_with_the_path_lead_nowhere(client: httpx.AsyncClient, path: str) -> None:
    is_problem(await client.get(path), 404, 422)


@pytest.mark.parametrize("text", INJECTIONS)
async def test_sql_in_a_parameter_is_a_name_that_there_is_not(client: httpx.AsyncClient, site: Site, text: str) -> None:
    is_problem(await client.get(f"regions/{quote(text, safe='')}/contexts"), 404)
    is_problem(await client.get("regions/US/contexts", params={"model_id": text}), 404)
    asked: dict[str, Any] = {"regions": text}
    assert (await client.get("regions/US/contexts/2008-09-15/analogues", params=asked)).json()["analogues"] == []
    async with connection(site.services.pool) as conn:
        assert await conn.fetchval("SELECT count(*) FROM regions") > 0


async def test_a_query_of_any_length_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    is_problem(await client.get("regions/US/contexts?" + "&".join(["limit=1"] * 2_000)), 414)


async def test_too_many_requests_at_a_time_are_refused_and_told_when_to_ask_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "MOST_REQUESTS", 0)
    answer = await client.get("regions")
    is_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"


async def test_an_answer_that_takes_too_long_is_given_up(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "REQUEST_SECONDS", 0.0)
    answer = await client.get("regions")
    is_problem(answer, 503)
    assert "took over 0 s" in answer.json()["detail"]
