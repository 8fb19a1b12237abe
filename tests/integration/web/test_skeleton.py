"""The application answers."""

import httpx

from stream_app.services import Services
from tests.integration.store.test_exported import fill_in, store
from tests.unit.export.days import FRIDAY, JOINT, MONDAY, context, vector


async def test_the_days_of_a_region(client: httpx.AsyncClient, services: Services) -> None:
    pool = services.pool
    await store(pool, context(FRIDAY, vector(3)), context(MONDAY, vector(1)), context(MONDAY, vector(2), revision=2))
    await fill_in(pool, "EU", MONDAY, 8)
    found = await client.get("/api/v1/regions/US/contexts", params={"model_id": JOINT})
    assert found.status_code == 200, found.text
    assert [(row["as_of"], row["revision"]) for row in found.json()["contexts"]] == [(str(MONDAY), 2), (str(FRIDAY), 1)]
    again = await client.get(
        "/api/v1/regions/US/contexts", params={"model_id": JOINT}, headers={"If-None-Match": found.headers["ETag"]}
    )
    assert again.status_code == 304
    first = await client.get("/api/v1/regions/US/contexts", params={"model_id": JOINT, "limit": 1, "vectors": "true"})
    cursor = first.json()["next_cursor"]
    second = await client.get("/api/v1/regions/US/contexts", params={"model_id": JOINT, "limit": 1, "cursor": cursor})
    assert second.json()["contexts"][0]["as_of"] == str(FRIDAY)
    for path in ("/api/v1/regions", "/readyz", "/livez", "/api/v1/health", "/api/v1/openapi.json"):
        told = await client.get(path)
        assert told.status_code == 200, told.text
    for path in ("regions?x=1", "nothing", "regions/US/contexts?start=2008", "regions/US/contexts?cursor=abc"):
        told = await client.get(f"/api/v1/{path}")
        assert told.status_code in {404, 422}
        assert told.headers["content-type"] == "application/problem+json", told.text
