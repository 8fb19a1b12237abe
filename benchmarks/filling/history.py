"""A generated history, written straight into the tables as the stages would have left it, triggers waiting."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from schemas import DIM, Definition
from schemas.topics import NEWS, PRICES
from stream_app.regime.calendars import load_calendar
from stream_app.regime.text import content_hash
from stream_app.services import Services
from stream_app.store import models, vectors
from stream_app.store.database import Connection, transaction
from stream_app.store.origins import LIVE
from stream_app.store.triggers import trigger_id

CALENDAR = "XNYS"
FIRST_SESSION = np.datetime64("2006-01-03", "D")
EPOCH = 1
FINGERPRINT = "random numbers"
AFTERNOON = dt.time(17, 0, tzinfo=dt.UTC)
"""When news comes: before any close of New York."""
NEWS_COLUMNS = (
    "article_id",
    "published_at",
    "news_date",
    "time_precision",
    "language",
    "headline",
    "content_hash",
    "log_epoch",
    "log_timestamp_ms",
    "log_partition",
    "log_offset",
)
PRICE_COLUMNS = (
    "instrument_id",
    "trade_date",
    "close",
    "volume",
    "log_epoch",
    "log_timestamp_ms",
    "log_partition",
    "log_offset",
)
TRIGGER_COLUMNS = (
    "region",
    "as_of",
    "number",
    "event_id",
    "closed_at",
    "allow_stale",
    "calendar",
    "instruments",
    "languages",
    "news",
    "news_day",
    "cut",
    "log_epoch",
    "log_timestamp_ms",
    "log_partition",
    "log_offset",
    "known_at",
    "published",
)


@dataclass(frozen=True)
class History:
    """How much of it. Each region is of one instrument, as the packaged ones are, and all count the same news.

    `rows_before` sessions have prices too, so that every one of `sessions` has a whole window.
    """

    instruments: int
    sessions: int
    regions: int
    articles_a_day: int
    rows_before: int

    @cached_property
    def priced(self) -> NDArray[np.datetime64]:
        """The days that have prices, datetime64[D]."""
        known = load_calendar(CALENDAR, dt.date(2030, 1, 1)).sessions
        first = int(np.searchsorted(known, FIRST_SESSION))
        return known[first : first + self.rows_before + self.sessions]

    @property
    def days(self) -> NDArray[np.datetime64]:
        """The days whose windows and contexts are made, datetime64[D]."""
        return self.priced[self.rows_before :]

    @property
    def names(self) -> list[str]:
        """The instruments."""
        return [f"I{number:04}.X" for number in range(self.instruments)]

    @property
    def region_names(self) -> list[str]:
        """The regions."""
        return [f"R{number:02}" for number in range(self.regions)]

    def definition(self, region: str) -> Definition:
        """What a region is."""
        return Definition(
            calendar=CALENDAR,
            instruments=(self.names[self.region_names.index(region) % self.instruments],),
            languages=("EN",),
            news="all",
            news_day="session",
        )

    def prices(self) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
        """Each instrument's closes, a random walk, and volumes."""
        for number, name in enumerate(self.names):
            chance = np.random.default_rng(number)
            closes = 100 * np.exp(np.cumsum(chance.normal(0, 0.01, len(self.priced))))
            yield name, closes, chance.integers(1_000, 10_000_000, len(self.priced)).astype(np.float64)


async def write(services: Services, history: History) -> None:
    """Prices, articles and text vectors, and the progress of a worker that has read them all."""
    prices, articles = len(history.names) * len(history.priced), len(history.days) * history.articles_a_day
    async with transaction(services.pool) as conn:
        await _write_prices(conn, history)
        await _write_news(conn, services, history)
        await conn.copy_records_to_table(
            "ingest_progress",
            records=[
                (services.topic(PRICES.name), 0, EPOCH, prices),
                (services.topic(NEWS.name), 0, EPOCH, articles),
            ],
            columns=("topic", "partition", "log_epoch", "next_offset"),
        )
        await conn.copy_records_to_table(
            "regions", records=[(name,) for name in history.region_names], columns=("region",)
        )
        await conn.execute("ANALYZE")  # as autovacuum will have done long before a history has come together


async def _write_prices(conn: Connection, history: History) -> None:
    days = history.priced.tolist()
    for number, (name, closes, volumes) in enumerate(history.prices()):
        first = number * len(days)
        records = [
            (name, day, close, volume, EPOCH, 0, 0, first + index)
            for index, (day, close, volume) in enumerate(zip(days, closes.tolist(), volumes.tolist(), strict=True))
        ]
        await conn.copy_records_to_table("prices_daily", records=records, columns=PRICE_COLUMNS)


async def _write_news(conn: Connection, services: Services, history: History) -> None:
    model = services.models.text.registered(FINGERPRINT)
    await models.register(conn, model)
    for number, day in enumerate(history.days.tolist()):
        offsets = range(number * history.articles_a_day, (number + 1) * history.articles_a_day)
        names = [f"A{offset:08}" for offset in offsets]
        hashes = [content_hash(name) for name in names]
        rows = vectors.to_rows(_random_vectors(number, len(names)))
        at = dt.datetime.combine(day, AFTERNOON)
        news = [
            (name, at, day, "time", "EN", name, hashed, EPOCH, 0, 0, offset)
            for name, hashed, offset in zip(names, hashes, offsets, strict=True)
        ]
        contents = [(hashed, FINGERPRINT, row) for hashed, row in zip(hashes, rows, strict=True)]
        embedded = [
            (name, model.model_id, hashed, row, LIVE) for name, hashed, row in zip(names, hashes, rows, strict=True)
        ]
        await conn.copy_records_to_table("news_articles", records=news, columns=NEWS_COLUMNS)
        await conn.copy_records_to_table("text_vectors", records=contents)
        columns = ("source_id", "model_id", "content_hash", "vector", "origin")
        await conn.copy_records_to_table("text_embeddings", records=embedded, columns=columns)


def _random_vectors(seed: int, count: int) -> NDArray[np.float32]:
    """(count, 384), of length 1."""
    made = np.random.default_rng(seed).normal(size=(count, DIM))
    unit: NDArray[np.float32] = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return unit


async def write_triggers(conn: Connection, services: Services, history: History) -> None:
    """A trigger of every region and day, all with the one cut that lies above everything, as a closed history has."""
    ends = await conn.fetch("SELECT topic, log_epoch, next_offset FROM ingest_progress")
    cut = {row["topic"]: {"epoch": row["log_epoch"], "offsets": [row["next_offset"]]} for row in ends}
    calendar = services.calendar(CALENDAR)
    days = history.days.tolist()
    closes = [calendar.scheduled_close(day, "session") for day in days]
    for region in history.region_names:
        definition = history.definition(region)
        fixed = (CALENDAR, list(definition.instruments), list(definition.languages), "all", "session", cut)
        records = [
            (region, day, 1, trigger_id(region, day, 1), close, False, *fixed, EPOCH, 0, 0, offset, close, True)
            for offset, (day, close) in enumerate(zip(days, closes, strict=True))
        ]
        await conn.copy_records_to_table("day_triggers", records=records, columns=TRIGGER_COLUMNS)
    await conn.execute("ANALYZE day_triggers")
