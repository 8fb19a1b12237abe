"""Versions of a natural key: the newest place is current, and the loser moves to history in the same transaction.

Prices and news share this: a table of current rows, a history table of the same columns, and a place in the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from stream_app.store.database import Connection
from stream_app.store.places import ORIGIN_COLUMNS, PLACE_DESC, POSITION_COLUMNS, place


@dataclass(frozen=True, slots=True)
class VersionedTable:
    """A table of current versions beside its history. Names come from this package alone, never from input."""

    name: str
    history: str
    key: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Key, values and position, in the order in which rows are handed over."""
        return self.key + self.values + POSITION_COLUMNS

    @property
    def all_columns(self) -> tuple[str, ...]:
        """These and the original's position, in the order in which rows of records that were sent again come."""
        return self.columns + ORIGIN_COLUMNS

    @property
    def incoming(self) -> str:
        """The temporary table that a chunk is copied to."""
        return f"incoming_{self.name}"


PRICES = VersionedTable(
    name="prices_daily",
    history="prices_history",
    key=("instrument_id", "trade_date"),
    values=("open", "high", "low", "close", "adjusted_close", "volume", "currency", "metadata", "retracted"),
)
NEWS = VersionedTable(
    name="news_articles",
    history="news_history",
    key=("article_id",),
    values=(
        "published_at",
        "news_date",
        "time_precision",
        "source",
        "language",
        "headline",
        "body",
        "regions",
        "content_hash",
        "metadata",
        "retracted",
    ),
)


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: the keys that were new, the rows that were current until now, and those that stay so.

    The latter, `unbeaten`, are current rows whose place is newer than that of a version which arrived after them.
    """

    fresh: set[tuple[Any, ...]]
    replaced: list[Any]
    unbeaten: list[Any]


def _qualified(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def create_incoming_sql(table: VersionedTable) -> str:
    """The temporary table of this connection, emptied at each commit."""
    return f"CREATE TEMP TABLE IF NOT EXISTS {table.incoming} (LIKE {table.name}) ON COMMIT DELETE ROWS"


def superseded_sql(table: VersionedTable) -> str:
    """Of several incoming versions of a key, move all but the newest to history."""
    key, columns = ", ".join(table.key), ", ".join(table.all_columns)
    return f"""
        WITH ranked AS (
            SELECT ctid, row_number() OVER (PARTITION BY {key} ORDER BY {PLACE_DESC}) AS rank FROM {table.incoming}
        ), older AS (
            DELETE FROM {table.incoming} i USING ranked r WHERE i.ctid = r.ctid AND r.rank > 1
            RETURNING {_qualified("i", table.all_columns)}
        )
        INSERT INTO {table.history} ({columns}) SELECT {columns} FROM older ON CONFLICT DO NOTHING
    """


def insert_fresh_sql(table: VersionedTable) -> str:
    """Insert the keys that are new, in key order (so that two writers cannot deadlock), and say which."""
    key, columns = ", ".join(table.key), ", ".join(table.all_columns)
    return f"""
        INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {table.incoming} ORDER BY {key}
        ON CONFLICT ({key}) DO NOTHING
        RETURNING {key}
    """


def lock_stored_sql(table: VersionedTable) -> str:
    """Lock the stored rows that incoming versions compete with, in key order."""
    key = ", ".join(table.key)
    return f"""
        SELECT 1 FROM {table.name} WHERE ({key}) IN (SELECT {key} FROM {table.incoming}) ORDER BY {key} FOR UPDATE
    """


def replace_sql(table: VersionedTable) -> str:
    """Make the newer of stored and incoming current; the loser goes to history in the same statement.

    Returns whether each stored row was replaced, and the row as it was.
    """
    columns = ", ".join(table.all_columns)
    stored, incoming = _qualified("s", table.all_columns), _qualified("i", table.all_columns)
    pairs = f"{table.name} s JOIN {table.incoming} i ON {' AND '.join(f's.{c} = i.{c}' for c in table.key)}"
    place_s, place_i = ", ".join(place("s")), ", ".join(place("i"))
    changed = ", ".join(f"{c} = i.{c}" for c in table.all_columns if c not in table.key)
    return f"""
        WITH lost AS (
            SELECT {stored} FROM {pairs} WHERE ({place_i}) > ({place_s})
            UNION ALL
            SELECT {incoming} FROM {pairs} WHERE ({place_i}) < ({place_s})
        ), kept AS (
            INSERT INTO {table.history} ({columns}) SELECT {columns} FROM lost ON CONFLICT DO NOTHING
        ), replaced AS (
            UPDATE {table.name} s SET {changed} FROM {table.incoming} i
            WHERE {" AND ".join(f"s.{c} = i.{c}" for c in table.key)} AND ({place_i}) > ({place_s})
        )
        SELECT ({place_i}) > ({place_s}) AS is_replaced, {stored} FROM {pairs}
        WHERE ({place_i}) <> ({place_s})
    """


async def append(connection: Connection, table: VersionedTable, rows: Sequence[tuple[Any, ...]]) -> None:
    """Store versions whose keys are likely new, within `appending`; in key order, as `insert_fresh_sql`."""
    in_order = sorted(rows, key=itemgetter(slice(len(table.key))))
    await connection.copy_records_to_table(table.name, records=in_order, columns=table.columns)


async def merge(
    connection: Connection,
    table: VersionedTable,
    rows: Sequence[tuple[Any, ...]],
    sent_again: Sequence[tuple[Any, ...]] = (),
) -> Merged:
    """Store a chunk of versions, rows in `table.columns`' order; once a table in an open transaction.

    `sent_again` are versions of records that were sent again, in `table.all_columns`' order.
    """
    await connection.execute(create_incoming_sql(table))
    for columns, some in ((table.columns, rows), (table.all_columns, sent_again)):
        if some:
            await connection.copy_records_to_table(table.incoming, records=some, columns=columns)
    width = len(table.key)
    keys = {row[:width] for row in (*rows, *sent_again)}
    if len(keys) < len(rows) + len(sent_again):
        await connection.execute(superseded_sql(table))
    inserted = await connection.fetch(insert_fresh_sql(table))
    if len(inserted) == len(keys):
        return Merged(keys, [], [])
    await connection.execute(lock_stored_sql(table))
    met = await connection.fetch(replace_sql(table))
    fresh = {tuple(row) for row in inserted}
    return Merged(fresh, [r for r in met if r["is_replaced"]], [r for r in met if not r["is_replaced"]])
