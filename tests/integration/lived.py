"""A live run with late, corrected, retracted and requeued records, and all that it leaves in the database."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from schemas import NewsArticle, PriceClose
from stream_app.kafka.producing import Outgoing
from tests.integration.pipeline import Pipeline, article, close, until, weekdays
from tests.integration.sent_again import sent_again

DAYS = [dt.date(2008, 9, day) for day in (11, 12, 15)]
WINDOW_DAYS = 5
LIVE: dict[str, Any] = {"window_days": WINDOW_DAYS, "closer_poll_seconds": 0.1, "amend_interval_seconds": 0}
"""The settings of the run."""
TABLES = (
    "prices_daily",
    "prices_history",
    "news_articles",
    "news_history",
    "numeric_window_embeddings",
    "text_vectors",
    "text_embeddings",
    "day_triggers",
    "joint_embedding_revisions",
    "joint_embeddings",
    "regimes",
    "dead_letters",
    "models",
)
NOT_COMPARED = ("created_at", "sequence", "learnt")
"""When and in which order a row was written here, and whether a trigger was made here or read from the log."""
COLUMNS = """
    SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = $1 AND column_name <> ALL($2::text[])
"""


def at(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


def first_records() -> list[PriceClose | NewsArticle]:
    """What is known when the days close."""
    prices = [
        close("SPX.US", day, 1200.0 + index, open=1200.5, adjusted_close=600.0, currency="USD", metadata={"row": index})
        for index, day in enumerate(weekdays(DAYS[-1], 8))
    ]
    told: dict[str, Any] = {"body": "And more.", "source": "wire", "regions": ("US",), "metadata": {"rank": 1}}
    news = [
        article(f"{day}-{hour}", at(day, hour), f"News of {day} {hour}.", **told)
        for day in DAYS
        for hour in (13, 15, 18)
    ]
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
        first_records()[8],
    ]


async def requeued_records(path: Pipeline) -> list[Outgoing]:
    """Records that first stood where the dead letters are: two that were corrected since, and two that were not."""
    _, second, third = DAYS
    records: dict[str, list[PriceClose | NewsArticle]] = {
        "prices.closes": [close("SPX.US", second, 1050.0), close("SPX.US", weekdays(third, 8)[3], 990.0)],
        "news.articles": [
            article(f"{second}-13", at(second, 13), "An older headline."),
            article("requeued", at(third, 17), "News that could not be used at first."),
        ],
    }
    letters = await path.fetch("SELECT topic, partition, log_offset FROM dead_letters")
    return [
        await sent_again(path.services, event, letter["partition"], letter["log_offset"])
        for letter in letters
        for event in records[letter["topic"].removeprefix(path.settings.topic_prefix)]
    ]


async def dump(path: Pipeline, tables: Sequence[str] = TABLES) -> dict[str, list[tuple[object, ...]]]:
    """What must be the same, by table: every column but those that are not compared, in an order of its own."""
    columns = {table: await path.value(COLUMNS, table, NOT_COMPARED) for table in tables}
    return {
        table: [tuple(row) for row in await path.fetch(f"SELECT {names} FROM {table} ORDER BY {names}")]
        for table, names in columns.items()
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
    await path.send_raw("prices.closes", 1, (b"x", b"no price"))
    await path.close("US", *DAYS)
    await settled(path)
    for record in late_records():
        await path.send(record)
        await settled(path)
    await path.services.publisher.publish(await requeued_records(path))
    await settled(path)
    revisions = {context.revision for context in await path.revisions("US", *DAYS)}
    assert max(revisions) > 2, "late records must have made revisions, or there is nothing to replay"
    await path.stop()
