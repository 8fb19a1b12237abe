"""The dashboard's files are kept by browsers for ever, small on the way, and never another version's."""

import gzip
import re
from collections.abc import AsyncIterator
from importlib.resources import files

import httpx
import pytest
from fastapi import FastAPI

from stream_app.web.assets import FOLDER, INDEX, PLOTLY, page
from stream_app.web.refusing import refuse_in_problems
from stream_app.web.routes.page import router


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Asks the routes of the page alone."""
    app = FastAPI()
    app.include_router(router)
    refuse_in_problems(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as made:
        yield made


async def test_the_page_is_asked_for_each_time_and_sent_when_it_has_changed(client: httpx.AsyncClient) -> None:
    first = await client.get("/")
    assert (first.status_code, first.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert first.headers["cache-control"] == "private, no-cache"
    again = await client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_all_that_it_loads_is_there_and_kept_for_ever(client: httpx.AsyncClient) -> None:
    index = (await client.get("/")).text
    named = set(re.findall(r'(?:src|href)="(/[^"]+)"', index))
    assert {name.rpartition("/")[2] for name in named} == {"icon.svg", "page.css", "main.js"}
    imported = {f"/page/{page().version}/{name}" for name in page().assets}
    assert named < imported
    for path in imported:
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


async def test_the_modules_import_what_there_is() -> None:
    scripts = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.js")}
    wanted = {name for text in scripts.values() for name in re.findall(r"from '\./([^']+)'", text)}
    assert wanted | {"main.js"} == set(scripts)


async def test_nothing_runs_or_looks_otherwise_than_the_policy_lets_it() -> None:
    index = (FOLDER / INDEX).read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?://", index) == []
    scripts = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.js"))
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", scripts) == []


async def test_plotly_comes_from_its_package_compressed_where_that_is_understood(client: httpx.AsyncClient) -> None:
    path, plain = f"/page/{page().version}/{PLOTLY}", files("plotly").joinpath("package_data", PLOTLY).read_bytes()
    small = await client.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert small.headers["content-encoding"] == "gzip"
    assert len(page().assets[PLOTLY].gzipped) < len(plain) / 3
    assert small.content == gzip.decompress(page().assets[PLOTLY].gzipped) == plain
    for refused in ("identity", "gzip;q=0", "gzip; q=0.0"):
        large = await client.get(path, headers={"Accept-Encoding": refused})
        assert "content-encoding" not in large.headers
        assert large.content == plain


@pytest.mark.parametrize("name", ["nowhere.js", INDEX, "..%2fassets.py", "%2e%2e/assets.py"])
async def test_nothing_else_is_there(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/page/{page().version}/{name}")).status_code == 404


async def test_the_files_of_another_version_are_not_taken_for_these(client: httpx.AsyncClient) -> None:
    answer = await client.get("/page/0123456789abcdef/main.js")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "The page has no such file now: load it again."
