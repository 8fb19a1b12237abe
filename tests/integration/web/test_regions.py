"""What is told of the regions: open, closing or closed, what a closing day waits for, and the newest contexts."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.pipeline import Place
from tests.integration.web.conftest import answering, opened
from tests.integration.web.lived_days import CORE, FILLED_IN, SCALED, US_DAYS

Told = dict[str, dict[str, Any]]


@pytest.fixture
async def regions(client: httpx.AsyncClient) -> Told:
    answer = await client.get("regions")
    assert answer.status_code == 200, answer.text
    return {each["region"]: each for each in answer.json()["regions"]}


async def test_every_region_of_the_file_and_of_the_database_is_there_by_name(regions: Told) -> None:
    assert list(regions) == ["CRYPTO", "EU", "HK", "JP", "UK", "US"]


async def test_a_region_whose_days_are_all_computed_is_open_while_its_exchange_is(regions: Told) -> None:
    us = regions["US"]
    assert (us["state"], us["as_of"], us["waiting"], us["to_amend"]) == ("open", str(US_DAYS[-1]), [], 0)
    assert us["last_closed"]["as_of"] == str(US_DAYS[-1])
    assert us["next_close"] == {"as_of": "2008-12-31", "closes_at": "2008-12-31T21:15:00Z"}
    assert (regions["EU"]["state"], regions["EU"]["next_close"]["as_of"]) == ("closed", "2009-01-02")


async def test_a_day_waits_for_the_partitions_that_are_behind_its_cut(regions: Told) -> None:
    (day,) = regions["UK"]["waiting"]
    assert (regions["UK"]["state"], day["as_of"], day["number"]) == ("closing", "2008-12-30", 1)
    (behind,) = day["behind"]
    assert (day["waits_for"], behind["topic"], behind["until"] - behind["applied"]) == ("records", "prices.closes", 1)
    assert "2008-12-30 waits for prices.closes[" in day["told"]


async def test_a_day_without_a_price_waits_for_it_until_its_deadline(regions: Told) -> None:
    (day,) = regions["HK"]["waiting"]
    assert (day["as_of"], day["waits_for"], day["until"]) == ("2008-12-31", "price", "2008-12-31T16:45:00Z")
    assert regions["HK"]["newest"][0]["absent_reason"] == "no-price"


async def test_a_session_that_is_over_waits_for_the_timer_of_a_worker(regions: Told) -> None:
    (day,) = regions["JP"]["waiting"]
    assert (day["as_of"], day["number"], day["waits_for"]) == ("2008-12-30", None, "closer")


async def test_a_region_that_is_no_longer_in_the_file_is_told_with_its_contexts(lived: Place, tmp_path: Path) -> None:
    file = tmp_path / "regions.toml"
    file.write_text('[regions.UK]\ncalendar = "XLON"\ninstruments = ["FTSE.UK"]\nlanguages = ["EN"]\n')
    async with opened(lived, regions=file) as services, answering(services, lived) as client:
        told = {each["region"]: each for each in (await client.get("regions")).json()["regions"]}
    us = told["US"]
    assert (us["configured"], us["state"], us["calendar"], us["waiting"]) == (False, "closed", None, [])
    assert us["as_of"] == us["newest"][0]["as_of"] == str(US_DAYS[-1])
    assert told["UK"]["configured"]


async def test_the_newest_context_of_each_model_has_its_newest_revision(regions: Told) -> None:
    assert [(each["model_id"], each["as_of"], each["revision"]) for each in regions["US"]["newest"]] == [
        (CORE, str(US_DAYS[-1]), 2),
        (SCALED, str(US_DAYS[-1]), 2),
    ]
    assert regions["EU"]["newest"][0]["revision"] == 1


async def test_a_day_that_was_filled_in_is_the_newest_where_no_revision_is(regions: Told) -> None:
    (newest,) = regions["JP"]["newest"]
    assert (newest["as_of"], newest["origin"], newest["revision"]) == (str(FILLED_IN[-1]), "backfill", None)
