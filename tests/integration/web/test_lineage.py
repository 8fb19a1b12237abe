"""Where a context comes from, as its trigger's cut has it, whatever prices and news have come since."""

import datetime as dt
from typing import Any

import httpx
import pytest

from stream_app.iso8601 import utc
from stream_app.services import Services
from stream_app.store import models
from tests.integration.pipeline import Place
from tests.integration.web.lived_days import CORE, FILLED_IN, LEHMAN, QUIET, US_DAYS

NEXT_DAY = dt.date(2008, 9, 16)
Detail = dict[str, Any]


async def detail(client: httpx.AsyncClient, day: dt.date, region: str = "US", **asked: Any) -> Detail:
    answer = await client.get(f"regions/{region}/contexts/{day}", params=asked)
    assert answer.status_code == 200, answer.text
    found: Detail = answer.json()
    return found


def headlines(told: Detail) -> dict[str, str]:
    """By article id."""
    return {article["article_id"]: article["headline"] for article in told["text"]["articles"]}


@pytest.fixture
async def before(services: Services) -> str:
    """An instant at which the year was closed and nothing amended."""
    async with services.pool.acquire() as conn:
        amended: dt.datetime = await conn.fetchval(
            "SELECT min(known_at) FROM day_triggers WHERE region = 'US' AND number = 2"
        )
    return utc(amended - dt.timedelta(milliseconds=1))


async def test_the_articles_are_those_below_the_cut_of_the_revisions_own_trigger(
    client: httpx.AsyncClient, before: str
) -> None:
    then, now = await detail(client, LEHMAN, known_at=before), await detail(client, LEHMAN)
    assert (then["context"]["revision"], now["context"]["revision"]) == (1, 2)
    assert headlines(then) == {
        f"{LEHMAN}-morning": f"What the morning of {LEHMAN} said.",
        f"{LEHMAN}-noon": f"What the noon of {LEHMAN} said.",
    }
    assert headlines(now) == {
        f"{LEHMAN}-late": "Late news.",
        f"{LEHMAN}-morning": "A corrected headline.",
        f"{LEHMAN}-noon": f"What the noon of {LEHMAN} said.",
    }
    assert (then["text"]["total"], now["text"]["total"]) == (2, 3)


async def test_an_article_that_was_taken_back_stays_with_the_revision_that_knew_it(
    client: httpx.AsyncClient, before: str
) -> None:
    then, now = await detail(client, NEXT_DAY, known_at=before), await detail(client, NEXT_DAY)
    assert headlines(then).keys() - headlines(now).keys() == {f"{NEXT_DAY}-noon"}


async def test_an_article_is_told_with_its_source_its_time_and_its_address(client: httpx.AsyncClient) -> None:
    late, morning, _ = (await detail(client, LEHMAN))["text"]["articles"]
    assert late == {
        "article_id": f"{LEHMAN}-late",
        "headline": "Late news.",
        "source": "wire",
        "published_at": "2008-09-15T13:00:00Z",
        "language": "en",
        "url": "https://example.org/late",
    }
    assert morning["url"] is None


async def test_articles_are_told_some_at_a_time(client: httpx.AsyncClient) -> None:
    first = await detail(client, LEHMAN, articles_limit=2)
    rest = await detail(client, LEHMAN, articles_limit=2, articles_cursor=first["text"]["next_cursor"])
    assert [len(page["text"]["articles"]) for page in (first, rest)] == [2, 1]
    assert (first["text"]["total"], rest["text"]["next_cursor"]) == (3, None)
    assert headlines(first) | headlines(rest) == headlines(await detail(client, LEHMAN))


async def test_the_windows_rows_are_the_last_sessions_up_to_the_day(client: httpx.AsyncClient) -> None:
    told = await detail(client, LEHMAN)
    (window,) = told["numeric"]["instruments"]
    last = US_DAYS.index(LEHMAN)
    assert (window["instrument_id"], window["rows"], told["numeric"]["instruments_total"]) == ("SPX.US", 63, 1)
    assert window["dates"] == [str(day) for day in US_DAYS[last - 62 : last + 1]]
    assert window["last_date"] == told["numeric"]["last_date"] == str(LEHMAN)


async def test_the_trigger_is_told_with_its_cut_and_its_definition(client: httpx.AsyncClient, lived: Place) -> None:
    told = await detail(client, LEHMAN)
    trigger = told["trigger"]
    assert (trigger["number"], trigger["kind"], trigger["closed_at"]) == (2, "amendment", "2008-09-15T20:15:00Z")
    assert trigger["definition"]["instruments"] == ["SPX.US"]
    cut = {each["topic"].removeprefix(lived.topic_prefix): each for each in trigger["cut"]}
    assert cut.keys() == {"news.articles", "prices.closes"}
    assert [len(each["offsets"]) for each in cut.values()] == [2, 2]
    assert trigger["known_at"] == told["context"]["known_at"]


async def test_every_revision_of_the_day_is_told_with_why_it_was_made(client: httpx.AsyncClient, before: str) -> None:
    newest, first = (await detail(client, LEHMAN))["revisions"]
    assert (newest["revision"], newest["reason"], newest["trigger_number"]) == (2, "amendment", 2)
    assert (first["revision"], first["reason"], first["trigger_number"]) == (1, "close", 1)
    assert newest["inputs_hash"] != first["inputs_hash"]
    assert newest["known_at"] > first["known_at"]
    (then,) = (await detail(client, LEHMAN, known_at=before))["revisions"]
    assert then == first


async def test_the_models_are_told_with_their_fingerprints(client: httpx.AsyncClient, services: Services) -> None:
    async with services.pool.acquire() as conn:
        stored = await models.all_of(conn)
    told = (await detail(client, LEHMAN))["models"]
    assert {each["model_id"]: each["fingerprint"] for each in told} == {
        name: stored[name].fingerprint for name in (CORE, "num-regime-core-v1", "text-fin-general-v1")
    }


async def test_an_absent_day_tells_its_reason_and_has_no_articles(client: httpx.AsyncClient) -> None:
    told = await detail(client, QUIET)
    assert told["context"]["absent_reason"] == told["revisions"][0]["absent_reason"] == "no-news"
    assert told["text"] == {"total": 0, "articles": [], "next_cursor": None}
    assert told["numeric"]["instruments"][0]["rows"] == 63


async def test_of_a_day_that_was_filled_in_the_models_alone_are_known(client: httpx.AsyncClient) -> None:
    told = await detail(client, FILLED_IN[0], "JP", vectors="true")
    assert (told["trigger"], told["numeric"], told["text"], told["revisions"]) == (None, None, None, [])
    assert told["context"]["vector"]["dim"] == 384
    assert {each["model_id"] for each in told["models"]} == {CORE, "num-regime-core-v1", "text-fin-general-v1"}
