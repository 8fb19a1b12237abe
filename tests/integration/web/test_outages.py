"""A database that is away, slow or another release's is a problem that says what to do; a bug tells nothing."""

import asyncio
import re
from dataclasses import replace

import httpx
import psutil
import pytest

from stream_app.store import region_days
from stream_app.store.database import connection
from stream_app.web import guards
from stream_app.web.serving import STATEMENT_SECONDS
from tests.conftest import created_database
from tests.integration.pipeline import Place
from tests.integration.web.conftest import answering, opened

DEADLINE_SECONDS = 20.0


def elsewhere(place: Place) -> Place:
    """Where no Postgres listens."""
    return replace(place, database_url=re.sub(r":\d+/", ":1/", place.database_url))


@pytest.mark.parametrize("path", ["regions", "regions/US/contexts", "events", "models", "dead-letters"])
async def test_while_postgres_is_away_every_route_says_so_and_when_to_ask_again(lived: Place, path: str) -> None:
    async with opened(elsewhere(lived)) as services, answering(services, lived) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["detail"] == "Postgres does not answer now: ask again in a moment."


async def test_while_postgres_is_away_the_pipeline_tells_what_kafka_knows(lived: Place) -> None:
    async with opened(elsewhere(lived)) as services, answering(services, lived) as client:
        told = (await client.get("pipeline")).json()
    assert (told["kafka"]["answers"], told["postgres"]["answers"]) == (True, False)
    assert (told["dead_letters"], told["unpublished"]) == (None, None)
    prices = told["stages"][0]
    assert (prices["topic"], prices["workers"], prices["partitions"][0]["applied"]) == ("prices.closes", 0, None)
    assert {prices["lag"], *(each["lag"] for each in prices["partitions"])} == {None}
    assert sum(each["end"] for each in prices["partitions"]) > 0
    assert ("postgres", told["postgres"]["why_not"]) in {(p["code"], p["sentence"]) for p in told["problems"]}
    assert "No worker runs; no day closes by itself." in {each["sentence"] for each in told["problems"]}


async def test_it_lives_and_is_not_ready_while_postgres_is_away(lived: Place) -> None:
    async with opened(elsewhere(lived)) as services, answering(services, lived) as client:
        alive, ready, health = [
            await client.get(path) for path in ("http://localhost/livez", "http://localhost/readyz", "health")
        ]
    assert (alive.status_code, ready.status_code, health.status_code) == (200, 503, 200)
    assert ready.json() == health.json()
    assert "Postgres is away" in ready.json()["missing"]["postgres"]


async def test_a_statement_that_takes_too_long_is_given_up_by_postgres(lived: Place) -> None:
    async with opened(lived, reading_seconds=0.001) as services, answering(services, lived) as client:
        answer = await client.get("regions/US/timeline")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "in time" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["regions/US/contexts", "regions/US/timeline"])
async def test_while_postgres_hangs_an_answer_is_given_up_in_time_and_then_asked_over_another_connection(
    lived: Place, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async with opened(lived, STATEMENT_SECONDS) as services, answering(services, lived) as client:
        async with connection(services.pool) as conn:
            server = psutil.Process(conn.get_server_pid())
        server.suspend()
        asyncio.get_running_loop().call_later(
            DEADLINE_SECONDS, server.resume
        )  # whoever waits for it has failed by then
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                with monkeypatch.context() as patched:
                    patched.setattr(guards, "REQUEST_SECONDS", 0.5)
                    given_up = await client.get(path)
                answered = await client.get(path)
        finally:
            server.resume()
    assert (given_up.status_code, given_up.headers["content-type"]) == (503, "application/problem+json")
    assert "took over 0.5 s" in given_up.json()["detail"]
    assert answered.status_code == 200


async def test_a_database_without_tables_is_told_with_what_mends_it(lived: Place, unique_name: str) -> None:
    with created_database(lived.endpoints, unique_name) as url:
        empty = replace(lived, database_url=url)
        async with opened(empty) as services, answering(services, lived) as client:
            answer = await client.get("regions/US/contexts")
    assert answer.status_code == 503
    assert "`stream-app db upgrade`" in answer.json()["detail"]


async def test_a_bug_tells_nothing_of_itself(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: object) -> list[str]:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(region_days, "regions", broken)
    answer = await client.get("regions")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["detail"] == "The server has failed; its log says how."
    assert "a secret of the server" in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_connection_that_postgres_closed_is_made_again(client: httpx.AsyncClient, lived: Place) -> None:
    assert (await client.get("models")).status_code == 200
    async with opened(lived) as services, connection(services.pool) as conn:
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    statuses = {(await client.get("models")).status_code for _ in range(3)}
    assert statuses <= {200, 503}
    assert (await client.get("models")).status_code == 200
