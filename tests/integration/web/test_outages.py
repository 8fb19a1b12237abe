"""A database that is away, slow or another release's is a problem that says what to do; a bug tells nothing."""

import re
from dataclasses import replace

import httpx
import pytest

from stream_app.store import region_days
from stream_app.store.database import connection
from stream_app.web.access import Access
from stream_app.web.site import Site
from tests.conftest import created_database
from tests.integration.pipeline import Place
from tests.integration.web.conftest import asking, opened


def elsewhere(place: Place) -> Place:
    """Where no Postgres listens."""
    return replace(place, database_url=re.sub(r":\d+/", ":1/", place.database_url))


@pytest.mark.parametrize("path", ["regions", "regions/US/contexts", "pipeline", "events", "models", "dead-letters"])
async def test_while_postgres_is_away_every_route_says_so_and_when_to_ask_again(lived: Place, path: str) -> None:
    async with opened(elsewhere(lived)) as services, asking(await Site.of(services, Access())) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["detail"] == "Postgres does not answer now: ask again in a moment."


async def test_it_lives_and_is_not_ready_while_postgres_is_away(lived: Place) -> None:
    async with opened(elsewhere(lived)) as services, asking(await Site.of(services, Access())) as client:
        alive, ready, health = [
            await client.get(path) for path in ("http://localhost/livez", "http://localhost/readyz", "health")
        ]
    assert (alive.status_code, ready.status_code, health.status_code) == (200, 503, 200)
    assert ready.json() == health.json()
    assert "Postgres is away" in ready.json()["missing"]["postgres"]


async def test_a_statement_that_takes_too_long_is_given_up_by_postgres(lived: Place) -> None:
    async with opened(lived, reading_seconds=0.001) as services, asking(await Site.of(services, Access())) as client:
        answer = await client.get("regions/US/timeline")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "in time" in answer.json()["detail"]


async def test_a_database_without_tables_is_told_with_what_mends_it(lived: Place, unique_name: str) -> None:
    with created_database(lived.endpoints, unique_name) as url:
        empty = replace(lived, database_url=url)
        async with opened(empty) as services, asking(await Site.of(services, Access())) as client:
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
