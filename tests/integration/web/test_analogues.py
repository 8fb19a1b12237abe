"""Days alike are the nearest by the cosine in float64, of days that were over, with what followed them."""

import datetime as dt
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from schemas import DIM
from stream_app.services import Services
from stream_app.store import analogues, evaluated, joint_embeddings, vectors
from stream_app.store.analogues import AlikeQuery
from stream_app.store.database import Pool, transaction
from stream_app.store.joint_embeddings import MadeOf
from tests.integration.store.conftest import pool as pool  # noqa: PLC0414 - a fixture
from tests.integration.web.lived_days import CORE, LEHMAN, SCALED, US_DAYS

HORIZON = 21


async def alike(client: httpx.AsyncClient, day: dt.date = LEHMAN, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"regions/US/contexts/{day}/analogues", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["analogues"]
    return found


def ranked(space: evaluated.StoredSpace, day: dt.date) -> list[tuple[str, float]]:
    """Every day by its cosine to one, in plain float64."""
    matrix = space.vectors.astype(np.float64)
    own = matrix[space.dates.tolist().index(day)]
    cosines = matrix @ own / np.linalg.norm(matrix, axis=1) / np.linalg.norm(own)
    order = np.argsort(-cosines, kind="stable")
    return [(str(space.dates[i]), float(cosines[i])) for i in order]


@pytest.mark.parametrize("model_id", [CORE, SCALED])
async def test_they_are_the_nearest_of_all_days_that_lie_far_enough_back(
    client: httpx.AsyncClient, services: Services, model_id: str
) -> None:
    async with services.pool.acquire() as conn:
        space = await evaluated.joint_space(conn, "US", model_id)
    assert space is not None
    last = str(LEHMAN - dt.timedelta(days=30))
    expected = [(day, cosine) for day, cosine in ranked(space, LEHMAN) if day <= last][:25]
    found = await alike(client, model_id=model_id, limit=25)
    assert [each["as_of"] for each in found] == [day for day, _ in expected]
    assert [each["similarity"] for each in found] == pytest.approx([cosine for _, cosine in expected], abs=1e-12)


async def test_later_days_are_among_them_only_where_they_are_asked_for(
    client: httpx.AsyncClient, services: Services
) -> None:
    async with services.pool.acquire() as conn:
        space = await evaluated.joint_space(conn, "US", CORE)
    assert space is not None
    assert all(each["as_of"] < str(LEHMAN) for each in await alike(client, min_gap_days=0, limit=100))
    expected = [day for day, _ in ranked(space, LEHMAN) if day != str(LEHMAN)][:40]
    found = await alike(client, min_gap_days=0, limit=40, look_ahead="true")
    assert [each["as_of"] for each in found] == expected
    assert max(expected) > str(LEHMAN)


async def test_days_within_the_gap_are_left_out_on_both_sides(client: httpx.AsyncClient) -> None:
    found = await alike(client, min_gap_days=60, look_ahead="true", limit=100)
    gaps = [abs((dt.date.fromisoformat(each["as_of"]) - LEHMAN).days) for each in found]
    assert min(gaps) >= 60


async def test_regions_and_days_may_be_chosen(client: httpx.AsyncClient) -> None:
    found = await alike(
        client, regions=["EU", "JP"], start="2008-08-01", end="2008-12-31", look_ahead="true", limit=100
    )
    assert {each["region"] for each in found} == {"EU", "JP"}
    assert min(each["as_of"] for each in found) >= "2008-08-01"
    assert [each["similarity"] for each in found] == sorted((each["similarity"] for each in found), reverse=True)


async def test_what_followed_is_the_return_and_the_volatility_of_the_next_21_sessions(
    client: httpx.AsyncClient, services: Services
) -> None:
    async with services.pool.acquire() as conn:
        series = await evaluated.closes(conn, "SPX.US")
    days = [str(day) for day in series.dates]
    for each in await alike(client, look_ahead="true", limit=20):
        start = days.index(each["as_of"])
        if start + HORIZON >= len(days):
            assert each["followed"] is None
            continue
        closes = series.closes[start : start + HORIZON + 1]
        told = each["followed"]
        assert (told["instrument_id"], told["last_date"]) == ("SPX.US", days[start + HORIZON])
        assert told["simple_return"] == pytest.approx(closes[-1] / closes[0] - 1)
        assert told["volatility"] == pytest.approx(np.sqrt(252 * np.mean(np.diff(np.log(closes)) ** 2)))


async def test_nothing_is_told_of_what_followed_after_the_day_that_was_asked_for(client: httpx.AsyncClient) -> None:
    day = US_DAYS[40]
    found = await alike(client, day, min_gap_days=0, limit=100)
    known = {each["as_of"]: each["followed"] is not None for each in found}
    assert known == {str(each): i + HORIZON <= 40 for i, each in enumerate(US_DAYS[:40]) if str(each) in known}
    assert set(known.values()) == {True, False}


async def test_a_day_without_a_vector_has_no_days_alike(client: httpx.AsyncClient) -> None:
    answer = await client.get("regions/US/contexts/2008-09-24/analogues")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"US has no vector of {CORE} on 2008-09-24."


def near_ties(days: int) -> NDArray[np.float32]:
    """A vector and others so near to it that float32 sums cannot put them in order."""
    random = np.random.default_rng(7)
    own = random.standard_normal(DIM)
    return (own + 3e-5 * np.arange(days)[:, None] * random.standard_normal((days, DIM)) / 100).astype(np.float32)


async def test_days_that_float32_cannot_tell_apart_are_in_the_order_of_float64(pool: Pool) -> None:
    matrix = near_ties(400)
    days = [dt.date(2000, 1, 1) + dt.timedelta(days=number) for number in range(len(matrix))]
    made = joint_embeddings.records(
        MadeOf(CORE, "numeric", "text"), [("US", day) for day in days], vectors.to_rows(matrix)
    )
    async with transaction(pool) as conn:
        await joint_embeddings.append(conn, made)
        found = await analogues.alike(
            conn, matrix[0], AlikeQuery(CORE, ["US"], days[1], days[-1], dt.date.max, dt.date.max, 20)
        )
    exact = matrix.astype(np.float64)
    cosines = exact @ exact[0] / np.linalg.norm(exact, axis=1) / np.linalg.norm(exact[0])
    best = [days[i] for i in np.argsort(-cosines[1:], kind="stable")[:20] + 1]
    assert [day.as_of for day in found] == best
