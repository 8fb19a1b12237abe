"""Columns of many days, and their map."""

import datetime as dt
from typing import Any

import httpx
import numpy as np
import pytest

from stream_app.services import Services
from stream_app.store import evaluated
from stream_app.web.routes import charts
from tests.integration.web.lived_days import CORE, EU_DAYS, FILLED_IN, QUIET, US_DAYS

COLUMNS = ("as_of", "label", "confidence", "distance", "price", "articles")


async def asked(client: httpx.AsyncClient, path: str, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_timeline_has_every_day_with_its_label_price_and_articles(
    client: httpx.AsyncClient, services: Services
) -> None:
    told = await asked(client, "regions/US/timeline")
    assert {len(told[name]) for name in COLUMNS} == {len(US_DAYS)}
    assert told["as_of"] == [str(day) for day in US_DAYS]
    assert (set(told["label"]), set(told["confidence"])) == ({"NEUTRAL"}, {1.0})
    assert (told["instrument_id"], told["truncated"]) == ("SPX.US", False)
    at = told["as_of"].index(str(QUIET))
    assert (told["articles"][at], told["distance"][at]) == (0, None)
    async with services.pool.acquire() as conn:
        series = await evaluated.closes(conn, "SPX.US")
    closes = dict(zip((str(day) for day in series.dates), series.closes.tolist(), strict=True))
    assert told["price"] == [closes[day] for day in told["as_of"]]


async def test_a_days_distance_is_to_the_last_day_that_has_a_vector(
    client: httpx.AsyncClient, services: Services
) -> None:
    told = await asked(client, "regions/US/timeline")
    async with services.pool.acquire() as conn:
        space = await evaluated.joint_space(conn, "US", CORE)
    assert space is not None
    matrix = space.vectors.astype(np.float64)
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    expected = dict(zip(map(str, space.dates[1:]), 1 - (unit[1:] * unit[:-1]).sum(axis=1), strict=True))
    distances = {day: each for day, each in zip(told["as_of"], told["distance"], strict=True) if each is not None}
    assert distances == pytest.approx(expected)
    assert told["distance"][0] is None


async def test_a_timeline_of_some_days_has_these(client: httpx.AsyncClient) -> None:
    first, last = EU_DAYS[5], EU_DAYS[9]
    told = await asked(client, "regions/EU/timeline", start=first, end=last)
    assert told["as_of"] == [str(day) for day in EU_DAYS[5:10]]


async def test_of_days_that_were_filled_in_label_and_articles_are_not_known(client: httpx.AsyncClient) -> None:
    told = await asked(client, "regions/JP/timeline")
    assert told["as_of"] == [str(day) for day in FILLED_IN]
    assert (told["label"], told["articles"], told["price"]) == ([None] * 3, [None] * 3, [None] * 3)
    assert told["distance"][0] is None and told["distance"][1] > 0


async def test_of_more_days_than_there_may_be_the_newest_are_told(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "MOST_DAYS", 10)
    timeline, day_map = await asked(client, "regions/US/timeline"), await asked(client, "regions/US/map")
    assert timeline["truncated"] and day_map["truncated"]
    assert timeline["as_of"] == [str(day) for day in US_DAYS[-10:]]
    assert {len(timeline[name]) for name in COLUMNS} == {10}
    assert len(day_map["x"]) == len(day_map["y"]) == len(day_map["label"]) == 10


async def test_a_region_without_days_has_empty_columns(client: httpx.AsyncClient) -> None:
    told = await asked(client, "regions/CRYPTO/timeline")
    assert [told[name] for name in COLUMNS] == [[]] * len(COLUMNS)
    assert (await asked(client, "regions/CRYPTO/map"))["x"] == []


async def test_a_map_has_the_days_with_a_vector_and_is_the_same_each_time(client: httpx.AsyncClient) -> None:
    told = await asked(client, "regions/US/map")
    assert told["as_of"] == [str(day) for day in US_DAYS if day != QUIET]
    assert told == await asked(client, "regions/US/map")
    assert 0 < told["explained"][1] <= told["explained"][0] < 1
    assert np.mean(told["x"]) == pytest.approx(0, abs=1e-5)


async def test_a_map_of_one_day_is_a_point(client: httpx.AsyncClient) -> None:
    told = await asked(client, "regions/US/map", start=US_DAYS[0], end=US_DAYS[0] + dt.timedelta(days=0))
    assert (told["x"], told["y"], told["explained"]) == ([0.0], [0.0], [0.0, 0.0])
