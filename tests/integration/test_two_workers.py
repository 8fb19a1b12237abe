"""Two workers share the partitions, and a worker that joins or leaves changes nothing in the tables."""

import datetime as dt
from collections import defaultdict

import pytest

from agents.stage import Stage
from schemas import NewsArticle, PriceClose
from stream_app.kafka.chunks import Chunk
from tests.integration.pipeline import Pipeline, Place, article, close, until, weekdays
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOON = dt.datetime(2008, 9, 15, 16, 0, tzinfo=dt.UTC)
WINDOW_DAYS = 5
INSTRUMENTS = ["SPX.US", *(f"I{number}" for number in range(12))]
PARTITIONS = 4


class Applied:
    """How many records each stage of each worker has been handed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records: dict[Stage, int] = defaultdict(int)
        handle = Stage.handle

        async def counted(stage: Stage, chunk: Chunk) -> None:
            await handle(stage, chunk)
            self.records[stage] += len(chunk.records)

        monkeypatch.setattr(Stage, "handle", counted)

    def by(self, path: Pipeline, topic: str) -> list[int]:
        """The counts of a topic's stages, one for each worker that has applied something since the last call."""
        wire = path.services.topic(topic)
        counts = [count for stage, count in self.records.items() if stage.topic == wire]
        self.records = defaultdict(int, {s: n for s, n in self.records.items() if s.topic != wire})
        return counts


def round_of(number: int) -> list[PriceClose | NewsArticle]:
    """A round of records: a day of every instrument, and as many articles."""
    day = weekdays(DAY, 60)[number]
    prices = [close(name, day, 100.0 + number + index) for index, name in enumerate(INSTRUMENTS)]
    news = [article(f"{number}-{index}", NOON, f"News {index} of round {number}.") for index in range(len(INSTRUMENTS))]
    return [*prices, *news]


async def test_two_workers_share_the_partitions_and_tables_equal_the_whole(
    place: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied, sent, rounds = Applied(monkeypatch), list[PriceClose | NewsArticle](), iter(range(59))

    async with (
        place.pipeline(topic_partitions=PARTITIONS, window_days=WINDOW_DAYS) as first,
        place.pipeline(topic_partitions=PARTITIONS, window_days=WINDOW_DAYS) as second,
    ):

        async def send_a_round() -> None:
            records = round_of(next(rounds))
            sent.extend(records)
            await first.send(*records)
            await first.applied()

        async def both_apply() -> bool:
            await send_a_round()
            return all(len(applied.by(first, topic)) == 2 for topic in ("prices.closes", "news.articles"))

        first.start("prices", "news", "contexts")
        await send_a_round()
        assert [len(applied.by(first, topic)) for topic in ("prices.closes", "news.articles")] == [1, 1]
        second.start("prices", "news", "contexts")
        await until(both_apply, "each worker applies some prices and some news")
        await first.stop()
        await second.applied()
        applied.by(first, "prices.closes")
        await send_a_round()
        assert applied.by(first, "prices.closes") == [len(INSTRUMENTS)]
        last = close("SPX.US", DAY, 1192.7)
        await second.send(last)
        await second.close("US", DAY)
        context = await second.revision("US", DAY)
        prices = await second.fetch("SELECT instrument_id, trade_date, close FROM prices_daily")
        news = await second.fetch("SELECT article_id, headline FROM news_articles")
        windows = await second.fetch("SELECT entity_id, as_of_date FROM numeric_window_embeddings")
        lost = await second.value(
            "SELECT (SELECT count(*) FROM prices_history) + (SELECT count(*) FROM news_history) "
            "+ (SELECT count(*) FROM dead_letters)"
        )

    sent.append(last)
    sent_prices = {(p.instrument_id, p.trade_date): p.close for p in sent if isinstance(p, PriceClose)}
    sent_news = {a.article_id: a.headline for a in sent if isinstance(a, NewsArticle)}
    assert {(row["instrument_id"], row["trade_date"]): row["close"] for row in prices} == sent_prices
    assert {row["article_id"]: row["headline"] for row in news} == sent_news
    assert lost == 0
    assert context.articles == len(sent_news)
    assert set(model.encoded) == {f"{a.headline}" for a in sent if isinstance(a, NewsArticle)}
    complete = {key for key in sent_prices if rows_until(sent_prices, *key) >= 4}
    assert {(row["entity_id"], row["as_of_date"]) for row in windows} == complete


def rows_until(prices: dict[tuple[str, dt.date], float | None], instrument_id: str, day: dt.date) -> int:
    """The rows of an instrument's window as of a day."""
    oldest = day - 3 * WINDOW_DAYS * dt.timedelta(days=1)
    return sum(name == instrument_id and oldest <= other <= day for name, other in prices)
