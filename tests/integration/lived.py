"""A live run with late news, corrections and retractions, and all that it leaves in the database."""

import datetime as dt
from typing import Any

from schemas import NewsArticle, PriceClose
from tests.integration.pipeline import Pipeline, article, close, until, weekdays

DAYS = [dt.date(2008, 9, day) for day in (11, 12, 15)]
WINDOW_DAYS = 5
LIVE: dict[str, Any] = {"window_days": WINDOW_DAYS, "closer_poll_seconds": 0.1, "amend_interval_seconds": 0}
"""The settings of the run."""
POSITION = "log_epoch, log_timestamp_ms, log_partition, log_offset"
VERSION_OF_A_PRICE = f"instrument_id, trade_date, close, volume, retracted, {POSITION}"
VERSION_OF_AN_ARTICLE = f"article_id, published_at, news_date, headline, body, content_hash, retracted, {POSITION}"
TABLES = {
    "prices_daily": VERSION_OF_A_PRICE,
    "prices_history": VERSION_OF_A_PRICE,
    "news_articles": VERSION_OF_AN_ARTICLE,
    "news_history": VERSION_OF_AN_ARTICLE,
    "numeric_window_embeddings": "entity_id, as_of_date, model_id, window_days, rows, vector",
    "text_vectors": "content_hash, fingerprint, vector",
    "text_embeddings": "source_id, model_id, content_hash, vector",
    "day_triggers": f"region, as_of, number, event_id, closed_at, allow_stale, cut, known_at, {POSITION}",
    "joint_embedding_revisions": "region, as_of_date, model_id, revision, known_at, inputs_hash, stale, payload",
    "joint_embeddings": "region, as_of_date, model_id, revision, vector",
    "regimes": "regime_record_id, as_of_date, region, model_id, instruments, regime_label, regime_embedding",
    "dead_letters": "topic, log_epoch, partition, log_offset, event_id, key, value, reason, error",
}
"""What must be the same, by table: every column but those that say when a row was written here."""


def at(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


def first_records() -> list[PriceClose | NewsArticle]:
    """What is known when the days close."""
    prices = [close("SPX.US", day, 1200.0 + index) for index, day in enumerate(weekdays(DAYS[-1], 8))]
    news = [article(f"{day}-{hour}", at(day, hour), f"News of {day} {hour}.") for day in DAYS for hour in (13, 15, 18)]
    return [*prices, *news]


def late_records() -> list[PriceClose | NewsArticle]:
    """Late news, corrections and retractions of prices and news, an article that moves, and a repeated record."""
    first, second, third = DAYS
    return [
        article("late", at(first, 16), "Late news."),
        article(f"{second}-13", at(second, 13), "A corrected headline."),
        NewsArticle(article_id=f"{second}-15", retracted=True),
        article(f"{third}-13", at(second, 14), "It was Friday."),
        close("SPX.US", second, 1100.0),
        PriceClose(instrument_id="SPX.US", trade_date=weekdays(third, 8)[2], retracted=True),
        article(f"{first}-13", at(first, 13), f"News of {first} 13."),
    ]


async def dump(path: Pipeline) -> dict[str, list[tuple[object, ...]]]:
    """The tables, in an order of their own."""
    return {
        table: [tuple(row) for row in await path.fetch(f"SELECT {columns} FROM {table} ORDER BY {columns}")]
        for table, columns in TABLES.items()
    }


async def settled(path: Pipeline) -> None:
    """Wait until no record waits for an amendment, no trigger for its computation, no context to be published."""

    async def nothing_waits() -> bool:
        waiting: int = await path.value(
            "SELECT (SELECT count(*) FROM late_marks) + (SELECT count(*) FROM day_triggers WHERE NOT computed) "
            "+ (SELECT count(*) FROM joint_embedding_revisions WHERE NOT published)"
        )
        return waiting == 0

    await path.applied()
    await until(nothing_waits, "everything amended, computed and published")


async def live_run(path: Pipeline) -> None:
    """Close the days, then let each late record amend what it touches; the stages run and are stopped at the end."""
    path.start("prices", "news", "contexts")
    await path.send(*first_records())
    await path.send_raw("news.articles", 1, (b"x", b"no article"))
    await path.close("US", *DAYS)
    await settled(path)
    for record in late_records():
        await path.send(record)
        await settled(path)
    revisions = {context.revision for context in await path.revisions("US", *DAYS)}
    assert max(revisions) > 2, "late records must have made revisions, or there is nothing to replay"
    await path.stop()
