"""Versions as the stages hand them over, made from what a test cares about."""

import datetime as dt
from typing import Any, NamedTuple

from schemas import Definition, TopicCut
from stream_app.regime.text import content_hash
from stream_app.store.versions import NEWS, PRICES, VersionedTable


class Position(NamedTuple):
    """A place in the log, ordered as the tables order versions."""

    epoch: int
    timestamp_ms: int
    partition: int
    offset: int


SEEDED = Position(0, 0, -1, -1)
"""The position of rows that no log holds."""

US = Definition(calendar="XNYS", instruments=("SPX.US",), languages=("EN",), news="all", news_day="session")


def is_below(position: Position, cut: TopicCut) -> bool:
    """The cut's rule in plain Python: a lower epoch, or the same one and an offset under its partition's."""
    if position.epoch != cut.epoch:
        return position.epoch < cut.epoch
    return position.partition < len(cut.offsets) and position.offset < cut.offsets[position.partition]


def price(instrument_id: str, day: dt.date, close: float | None, position: Position, **more: Any) -> tuple[Any, ...]:
    """A row of prices_daily, with other columns as named; its volume is a thousand times its close."""
    values = dict.fromkeys(PRICES.values) | {"close": close, "currency": "USD", "retracted": False}
    values["volume"] = None if close is None else 1000 * close
    return (instrument_id, day, *(values | more).values(), *position)


def article(article_id: str, published_at: dt.datetime | None, position: Position, **more: Any) -> tuple[Any, ...]:
    """A row of news_articles, with other columns as named; `headline` is its text."""
    given: dict[str, Any] = {"headline": "text", "language": "EN", "regions": [], "retracted": False} | more
    made = {
        "published_at": published_at,
        "news_date": None if published_at is None else published_at.date(),
        "time_precision": "time",
        "content_hash": None if given["retracted"] else content_hash(given["headline"]),
    }
    return (article_id, *(dict.fromkeys(NEWS.values) | made | given).values(), *position)


def position_of(row: tuple[Any, ...]) -> Position:
    """A row's position."""
    return Position(*row[-4:])


async def everything(connection: Any, table: VersionedTable) -> tuple[set[Any], set[Any]]:
    """The (key, position) pairs of the current rows and of the history."""
    width, columns = len(table.key), ", ".join((*table.key, "log_epoch, log_timestamp_ms, log_partition, log_offset"))
    current = await connection.fetch(f"SELECT {columns} FROM {table.name}")
    history = await connection.fetch(f"SELECT {columns} FROM {table.history}")
    pairs = [{(tuple(row)[:width], Position(*tuple(row)[width:])) for row in rows} for rows in (current, history)]
    assert (len(pairs[0]), len(pairs[1])) == (len(current), len(history))
    return pairs[0], pairs[1]
