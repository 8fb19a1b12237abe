"""Pages of a region's days: whole when they are put together, the same in every format, and as of an instant."""

import csv
import datetime as dt
import io
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from schemas import Vector
from stream_app.export.columns import COLUMNS, values
from stream_app.export.text import CsvContexts
from stream_app.iso8601 import utc
from stream_app.services import Services
from stream_app.store import exported
from stream_app.store.exported import DayChunk, ExportQuery
from tests.integration.pipeline import Place
from tests.integration.web.lived_days import CORE, FILLED_IN, LEHMAN, QUIET, SCALED, US_DAYS

US = "regions/US/contexts"


async def pages(client: httpx.AsyncClient, **asked: Any) -> AsyncIterator[list[dict[str, Any]]]:
    """Page after page, by cursors."""
    while True:
        answer = await client.get(US, params=asked)
        assert answer.status_code == 200, answer.text
        yield answer.json()["contexts"]
        if answer.json()["next_cursor"] is None:
            return
        asked["cursor"] = answer.json()["next_cursor"]


async def export(place: Place, **asked: Any) -> DayChunk:
    """What an export has of US, as one chunk."""
    async with exported.snapshot(place.database_url) as connection:
        chunks = [each async for each in exported.chunks(connection, ExportQuery(CORE, ["US"], absent=True, **asked))]
    return DayChunk([day for each in chunks for day in each.days], np.concatenate([each.vectors for each in chunks]))


async def test_without_parameters_the_newest_days_come_first(client: httpx.AsyncClient) -> None:
    answer = (await client.get(US)).json()
    assert (answer["region"], answer["model_id"], answer["known_at"]) == ("US", CORE, None)
    assert [row["as_of"] for row in answer["contexts"]] == [str(day) for day in US_DAYS[::-1][:100]]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_the_pages_put_together_are_every_day_once_in_order(client: httpx.AsyncClient, order: str) -> None:
    found = [row["as_of"] for page in [p async for p in pages(client, order=order, limit=60)] for row in page]
    assert found == [str(day) for day in (US_DAYS if order == "asc" else US_DAYS[::-1])]


async def test_a_last_page_that_is_full_has_no_next_one(client: httpx.AsyncClient) -> None:
    sizes = [len(page) async for page in pages(client, start=US_DAYS[0], end=US_DAYS[9], limit=5)]
    assert sizes == [5, 5]


async def test_rows_and_vectors_are_what_an_export_has_to_the_bit(client: httpx.AsyncClient, lived: Place) -> None:
    rows = (await client.get(US, params={"order": "asc", "limit": 1000, "vectors": "true"})).json()["contexts"]
    chunk = await export(lived)
    told = values(chunk)
    instants = {"known_at", "closed_at"}
    for name in COLUMNS.keys() - instants:
        expected = [str(v) if isinstance(v, dt.date) else list(v) if isinstance(v, tuple) else v for v in told[name]]
        assert [row[name] for row in rows] == expected, name
    for name in instants:
        assert [dt.datetime.fromisoformat(row[name]) for row in rows] == told[name]
    for row, vector in zip(rows, chunk.vectors, strict=True):
        if row["vector"] is None:
            assert row["absent_reason"] is not None and np.isnan(vector).all()
        else:
            assert (row["vector"]["dim"], row["vector"]["dtype"]) == (384, "float32")
            assert b64decode(row["vector"]["data"]) == Vector.of(vector).data


async def test_csv_with_vectors_is_the_export_itself(client: httpx.AsyncClient, lived: Place) -> None:
    asked: dict[str, str] = {"order": "asc", "limit": "1000", "vectors": "true", "format": "csv"}
    answer = await client.get(US, params=asked)
    file = io.BytesIO()
    CsvContexts(file).write(await export(lived))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content == file.getvalue()


async def test_arrow_and_csv_without_vectors_have_the_same_rows_and_the_next_page_in_a_link(
    client: httpx.AsyncClient,
) -> None:
    asked: dict[str, str] = {"limit": "3", "start": str(QUIET - dt.timedelta(days=5)), "end": str(QUIET)}
    as_json = await client.get(US, params=asked)
    as_csv = await client.get(US, params=asked, headers={"Accept": "text/csv"})
    as_arrow = await client.get(US, params=asked | {"format": "arrow"})
    days = [row["as_of"] for row in as_json.json()["contexts"]]
    assert days[0] == str(QUIET)
    assert [row["as_of"] for row in csv.DictReader(as_csv.text.splitlines())] == days
    table = pa.ipc.open_stream(as_arrow.content).read_all()
    assert table.column_names == list(COLUMNS)
    assert [str(day) for day in table["as_of"].to_pylist()] == days
    for answer in (as_json, as_csv, as_arrow):
        path = answer.links["next"]["url"]
        assert (await client.get(f"http://localhost{path}")).status_code == 200
    following = await client.get(f"http://localhost{as_csv.links['next']['url']}")
    assert following.json()["contexts"][0]["as_of"] == str(QUIET - dt.timedelta(days=5))


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("text/html, */*;q=0.5", "application/json"),
        ("text/*", "text/csv"),
        ("application/json;q=0.1, application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
    ],
)
async def test_the_format_is_the_one_that_a_client_likes_best(
    client: httpx.AsyncClient, accept: str, media_type: str
) -> None:
    answer = await client.get(US, headers={"Accept": accept}, params={"limit": 1})
    assert answer.headers["content-type"].partition(";")[0] == media_type


async def test_a_media_type_that_there_is_not_is_refused_naming_those_that_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.get(US, headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert "text/csv" in answer.json()["detail"]


async def test_days_without_a_vector_tell_why_or_are_left_out(client: httpx.AsyncClient) -> None:
    asked = {"start": str(QUIET), "end": str(QUIET)}
    (row,) = (await client.get(US, params=asked)).json()["contexts"]
    assert (row["absent_reason"], row["l2_norm"], row["articles"]) == ("no-news", None, 0)
    assert (await client.get(US, params=asked | {"absent": "false"})).json()["contexts"] == []


async def test_leaving_out_absent_days_never_tells_of_an_older_revision(
    client: httpx.AsyncClient, services: Services
) -> None:
    """A page is of newest revisions: one that is absent hides those before it."""
    told = [row for page in [p async for p in pages(client, absent="false", limit=90)] for row in page]
    async with services.pool.acquire() as conn:
        newest = await conn.fetch(
            "SELECT as_of_date, revision FROM joint_embeddings WHERE region = 'US' AND model_id = $1 ORDER BY 1 DESC",
            CORE,
        )
    assert [(row["as_of"], row["revision"]) for row in told] == [(str(day), number) for day, number in newest]


async def test_another_model_is_asked_for_by_its_id(client: httpx.AsyncClient) -> None:
    (row,) = (await client.get(US, params={"model_id": SCALED, "limit": 1})).json()["contexts"]
    assert (row["model_id"], row["numeric_model_id"]) == (SCALED, "num-regime-scaled-v1")


async def test_as_of_an_instant_it_is_what_an_export_as_of_it_has(
    client: httpx.AsyncClient, lived: Place, services: Services
) -> None:
    async with services.pool.acquire() as conn:
        amended = await conn.fetchval("SELECT min(known_at) FROM day_triggers WHERE region = 'US' AND number = 2")
    before = amended - dt.timedelta(microseconds=1)
    for instant, revision in ((before, 1), (amended, 2)):
        asked = {"known_at": utc(instant), "limit": "1000", "order": "asc"}
        answer = (await client.get(US, params=asked)).json()
        then = await export(lived, known_at=instant)
        assert [(r["as_of"], r["revision"]) for r in answer["contexts"]] == [
            (str(day.as_of), day.context and day.context.revision) for day in then.days
        ]
        (lehman,) = [row for row in answer["contexts"] if row["as_of"] == str(LEHMAN)]
        assert lehman["revision"] == revision
        assert answer["left_out"]["waiting"] == 0


async def test_days_that_were_filled_in_are_told_now_and_counted_as_left_out_then(client: httpx.AsyncClient) -> None:
    now = (await client.get("regions/JP/contexts", params={"limit": 2, "vectors": "true"})).json()
    assert [(row["as_of"], row["origin"]) for row in now["contexts"]] == [
        (str(day), "backfill") for day in FILLED_IN[:0:-1]
    ]
    assert now["contexts"][0]["vector"]["dim"] == 384
    assert now["next_cursor"] is not None
    then = (await client.get("regions/JP/contexts", params={"known_at": "2100-01-01T00:00:00Z"})).json()
    assert (then["contexts"], then["left_out"]["filled_in"]) == ([], 3)


async def test_a_region_that_is_known_and_has_no_days_has_an_empty_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("regions/CRYPTO/contexts")
    assert (answer.status_code, answer.json()["contexts"], answer.json()["next_cursor"]) == (200, [], None)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("regions/us/contexts", "no region us"),
        ("regions/US/contexts?model_id=num-regime-core-v1", "no joint model num-regime-core-v1"),
        ("regions/US/contexts/2008-12-25", "US has no context of joint-regime-core-v1 on 2008-12-25."),
        ("regions/XX/contexts/2008-12-25/analogues", "no region XX"),
        ("regions/XX/timeline", "no region XX"),
        ("regions/US/map?model_id=x", "no joint model x"),
    ],
)
async def test_what_there_is_not_is_not_found_in_a_sentence(client: httpx.AsyncClient, path: str, told: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert told in answer.json()["detail"]


async def test_an_answer_that_a_client_has_already_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get(US)
    tag = first.headers["etag"]
    again = await client.get(US, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["cache-control"] == first.headers["cache-control"] == "private, no-cache"
    other = await client.get(US, params={"limit": 99}, headers={"If-None-Match": tag})
    assert other.status_code == 200
