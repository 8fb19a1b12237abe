"""The tables as a test of the seed commands fills and reads them, with no event loop of the test's own."""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.store import vectors, versions
from stream_app.store.database import Connection, connect
from stream_app.store.versions import NEWS, PRICES, VersionedTable
from tests.integration.store.rows import SEEDED, article, price

MADE = ("models", "numeric_window_embeddings", "regimes", "text_vectors", "text_embeddings", "joint_embeddings")


@dataclass(frozen=True, slots=True)
class Tables:
    """A test's own database."""

    database_url: str

    def put_prices(self, instrument_id: str, days: Sequence[dt.date], base: float = 100.0) -> None:
        """Closes, each higher than the one before."""
        self.put_closes(instrument_id, {day: base + 0.25 * number for number, day in enumerate(days)})

    def put_closes(self, instrument_id: str, closes: Mapping[dt.date, float]) -> None:
        """Closes that no log holds, by day; a day that is stored is replaced."""
        self._put(PRICES, [price(instrument_id, day, close, SEEDED) for day, close in closes.items()])

    def put_articles(self, *rows: tuple[Any, ...]) -> None:
        """Rows of news_articles."""
        self._put(NEWS, rows)

    def fetch(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a query, or what a statement did."""

        async def ask(connection: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.fetch(query, *parameters)]

        found: list[tuple[Any, ...]] = self._with_connection(ask)
        return found

    def vectors(self, query: str, *parameters: Any) -> NDArray[np.float32]:
        """The vectors of a query's first column, (n, 384)."""
        return vectors.from_rows([row[0] for row in self.fetch(query, *parameters)], DIM)

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row that commands make, with the transaction that wrote it: a rewritten row is another one."""
        return {table: self.fetch(f"SELECT xmin::text, t::text FROM {table} t ORDER BY t::text") for table in MADE}

    def is_empty(self) -> bool:
        """Whether commands have made nothing."""
        return not any(self.state().values())

    def _put(self, table: VersionedTable, rows: Sequence[tuple[Any, ...]]) -> None:
        async def put(connection: Connection) -> None:
            width = len(table.key)
            for row in rows:
                conditions = " AND ".join(f"{column} = ${n + 1}" for n, column in enumerate(table.key))
                await connection.execute(f"DELETE FROM {table.name} WHERE {conditions}", *row[:width])
            async with connection.transaction():
                await versions.merge(connection, table, rows)

        self._with_connection(put)

    def _with_connection(self, work: Any) -> Any:
        async def worked() -> Any:
            connection = await connect(self.database_url)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(worked())


def news(article_id: str, published_at: dt.datetime, headline: str, **more: Any) -> tuple[Any, ...]:
    """An English article that no log holds."""
    return article(article_id, published_at, SEEDED, headline=headline, **more)
