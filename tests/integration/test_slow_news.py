"""News that takes long to encode delays no price, and costs the news stage no partition."""

import datetime as dt
import time

from aiokafka.admin import AIOKafkaAdminClient

from tests.integration.pipeline import Place, article, close, until, weekdays
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOON = dt.datetime(2008, 9, 15, 16, 0, tzinfo=dt.UTC)
SESSION_SECONDS = 6.0
"""The shortest that a broker grants by default."""
PRICE_SECONDS = 2.0
"""How soon a price must be stored, whatever the news does."""


async def members(kafka_url: str, group: str) -> set[str]:
    """The ids of a consumer group's members."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        [response] = await admin.describe_consumer_groups([group])
        return {member[0] for member in response.groups[0][5]}
    finally:
        await admin.close()


async def test_prices_are_stored_while_news_is_being_encoded_and_the_news_stage_stays_in_its_group(
    place: Place, model: QuickModel
) -> None:
    group = f"{place.topic_prefix}news"
    async with place.pipeline(session_timeout_seconds=SESSION_SECONDS, heartbeat_seconds=1.0) as path:
        path.start("prices", "news", "contexts")
        days = iter(weekdays(DAY, 250))
        await path.send(close("SPX.US", next(days), 1200.0))
        await path.applied()
        model.may_go_on.clear()
        await path.send(article("a1", NOON, "A bank fails."), article("a2", NOON, "Another one does not."))

        async def encoding() -> bool:
            return model.entered.is_set()

        await until(encoding, "the encoder holds an article")
        held_since = time.monotonic()
        in_group = await members(place.endpoints.kafka.servers, group)
        assert len(in_group) == 1

        async def held_past_the_session() -> bool:
            day = next(days)
            await path.send(close("SPX.US", day, 1200.0))

            async def stored() -> bool:
                count: int = await path.value("SELECT count(*) FROM prices_daily WHERE trade_date = $1", day)
                return count == 1

            await until(stored, f"the price of {day} is stored while news is encoded", PRICE_SECONDS)
            return time.monotonic() - held_since > 1.5 * SESSION_SECONDS

        await until(held_past_the_session, "the encoder held longer than a session")
        assert await path.value("SELECT count(*) FROM news_articles") == 0
        assert await members(place.endpoints.kafka.servers, group) == in_group
        model.may_go_on.set()
        await path.applied()
        assert await path.value("SELECT count(*) FROM news_articles") == 2
        assert await members(place.endpoints.kafka.servers, group) == in_group
    assert sorted(model.encoded) == ["A bank fails.", "Another one does not."]
