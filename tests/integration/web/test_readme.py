"""The README's requests are answered, and its table names the routes that there are."""

import re
from typing import Any

import httpx

from stream_app.web.site import Site
from tests.integration.cli.written import ROOT, block
from tests.integration.web.streams import streaming

README = (ROOT / "README.md").read_text()
SERVER = "http://127.0.0.1:8765"
API = "/api/v1"


async def test_what_the_readme_asks_is_answered(client: httpx.AsyncClient, site: Site) -> None:
    urls = re.findall(rf"'({SERVER}[^']+)'", block(README, "sh", f"'{SERVER}{API}/regions'"))
    regions, contexts, analogues = [await client.get(url) for url in urls[:3]]
    assert "US" in {each["region"] for each in regions.json()["regions"]}
    header, *days = contexts.text.splitlines()
    assert (header.split(",")[:2], len(days)) == (["region", "as_of"], 21)
    assert len(analogues.json()["analogues"]) == 5
    path, _, query = urls[3].partition("?")
    assert path == f"{SERVER}{API}/events"
    async with streaming(site, query) as stream:
        assert (await stream.next()).id


async def test_its_table_has_every_route_of_the_api(client: httpx.AsyncClient) -> None:
    document: dict[str, Any] = (await client.get("openapi.json")).json()
    table = re.search(r"\| path under `/api/v1` \|.*?\n\n", README, re.DOTALL)
    assert table
    rows = table[0].strip().splitlines()[2:]
    told = {f"{API}{path}" for row in rows for path in re.findall(r"`(/[^`]+)`", row.split("|")[1])}
    assert told == {path for path in document["paths"] if path.startswith(API)}
