"""What is told of models, dead letters, the pipeline and the server itself."""

import asyncio
from base64 import b64decode
from dataclasses import replace
from typing import Any

import httpx
import pytest

from stream_app.embedded import Endpoints
from stream_app.kafka.access import KafkaAccess
from stream_app.services import Services
from stream_app.store import models
from tests.integration.pipeline import Place
from tests.integration.web.conftest import answering, opened
from tests.integration.web.lived_days import CORE, SCALED

NOWHERE = "127.0.0.1:1"


async def asked(client: httpx.AsyncClient, path: str, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_models_are_told_with_their_inputs_and_whether_the_database_has_them(
    client: httpx.AsyncClient, services: Services
) -> None:
    told = {each["model_id"]: each for each in (await asked(client, "models"))["models"]}
    async with services.pool.acquire() as conn:
        stored = await models.all_of(conn)
    assert told[CORE]["inputs"] == ["num-regime-core-v1", "text-fin-general-v1"]
    assert told[SCALED]["in_use"] and told["text-fin-general-v1"]["in_use"]
    assert {name: each["fingerprint"] for name, each in told.items() if each["fingerprint"]} == {
        name: model.fingerprint for name, model in stored.items()
    }


async def test_dead_letters_come_the_newest_first_page_by_page(client: httpx.AsyncClient) -> None:
    whole = (await asked(client, "dead-letters"))["letters"]
    assert [each["received"] for each in whole] == sorted((each["received"] for each in whole), reverse=True)
    assert len({each["name"] for each in whole}) == 5
    found, cursor = [], None
    while True:
        page = await asked(client, "dead-letters", limit=2, **({"cursor": cursor} if cursor else {}))
        found += page["letters"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == whole


async def test_a_letter_tells_its_place_its_reason_and_no_more_than_the_beginning_of_its_value(
    client: httpx.AsyncClient,
) -> None:
    news = (await asked(client, "dead-letters", topic="news.articles"))["letters"]
    binary, text = sorted(news, key=lambda each: each["value_bytes"])
    assert (text["topic"], text["partition"], text["state"]) == ("news.articles", 1, "waits")
    assert text["name"] == f"news.articles/{text['log_epoch']}/1/{text['offset']}"
    assert text["value_bytes"] == 800
    assert text["value"]["text"].startswith("kein Artikel \N{SNOWMAN}kein")
    assert (len(text["value"]["text"].encode()), text["value"]["whole"]) == (256, False)
    assert b64decode(binary["value"]["base64"]) == b"\xff\xfe" * 10
    assert (binary["value"]["text"], binary["value"]["whole"]) == (None, True)


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"topic": ["prices.closes", "news.articles"]}, 5),
        ({"topic": "prices.closes"}, 3),
        ({"reason": "not-utf8"}, 1),
        ({"reason": ["not-utf8", "not-json"]}, 5),
        ({"reason": "invalid"}, 0),
        ({"since": "2100-01-01"}, 0),
        ({"until": "2100-01-01T00:00:00Z"}, 5),
        ({"until": "2001-01-01", "handled": "true"}, 0),
    ],
)
async def test_letters_are_chosen_as_by_the_command(
    client: httpx.AsyncClient, parameters: dict[str, Any], count: int
) -> None:
    assert len((await asked(client, "dead-letters", **parameters))["letters"]) == count
    assert (await asked(client, "dead-letters/reasons", **parameters))["total"] == count


async def test_a_topic_that_has_no_letters_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("dead-letters?topic=regimes.contexts")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"] == "topic"


async def test_letters_are_counted_by_topic_and_reason(client: httpx.AsyncClient) -> None:
    told = await asked(client, "dead-letters/reasons")
    assert {(each["topic"], each["reason"]): each["letters"] for each in told["reasons"]} == {
        ("news.articles", "not-json"): 1,
        ("news.articles", "not-utf8"): 1,
        ("prices.closes", "not-json"): 3,
    }


async def test_the_pipeline_tells_each_partitions_lag_and_what_is_wrong(client: httpx.AsyncClient) -> None:
    told = await asked(client, "pipeline")
    assert told["kafka"] == told["postgres"] == {"answers": True, "why_not": None}
    stages = {each["stage"]: each for each in told["stages"]}
    assert {name: (each["topic"], each["lag"], each["workers"]) for name, each in stages.items()} == {
        "prices": ("prices.closes", 1, 0),
        "news": ("news.articles", 0, 0),
        "contexts": ("regions.day-closes", 0, 0),
    }
    for stage in stages.values():
        for each in stage["partitions"]:
            assert each["lag"] == each["end"] - each["applied"]
    assert sum(each["letters"] for each in told["dead_letters"]) == 5
    problems = {each["code"]: each for each in told["problems"]}
    assert "5 dead letters wait" in problems["dead-letters"]["sentence"]
    assert "stream-app" in problems["no-worker"]["todo"]


async def test_who_asks_at_about_the_same_time_is_told_the_same_look(client: httpx.AsyncClient) -> None:
    first, second = await asyncio.gather(asked(client, "pipeline"), asked(client, "pipeline"))
    assert first == second


async def test_while_kafka_is_away_the_pipeline_says_so_and_tells_what_the_database_knows(lived: Place) -> None:
    away = replace(lived, endpoints=Endpoints(KafkaAccess(NOWHERE), lived.database_url))
    async with opened(away) as services, answering(services, away) as client:
        told = await asked(client, "pipeline")
    assert (told["kafka"]["answers"], told["postgres"]["answers"]) == (False, True)
    assert told["problems"][0]["sentence"] == told["kafka"]["why_not"]
    assert {(each["lag"], each["workers"]) for each in told["stages"]} == {(None, None)}
    assert sum(each["applied"] for each in told["stages"][0]["partitions"]) > 0


async def test_a_server_that_postgres_answers_is_ready(client: httpx.AsyncClient) -> None:
    for path in ("http://localhost/livez", "http://localhost/readyz", "health"):
        assert (await client.get(path)).status_code == 200
