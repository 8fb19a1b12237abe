"""Prices and the windows that they touch, stored together: appended where all are new, else merged."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.ahead import Ahead
from agents.placing import Placed, Row, by_first_position, rows_of
from agents.touched_windows import TouchedWindows, touched_windows
from agents.window_cache import WindowCache
from schemas import PriceClose
from stream_app.kafka.producing import Outgoing
from stream_app.models import NumericModel
from stream_app.regime import windows
from stream_app.store import numeric_windows, prices, versions
from stream_app.store.database import Connection, KeyStored, appending
from stream_app.store.numeric_windows import WindowVectors
from stream_app.store.prices import Series
from stream_app.store.versions import Merged

Close = Placed[PriceClose]
Newest = Mapping[tuple[str, dt.date], Close]
"""The changed rows by instrument and trade date, with the newest record of each."""
EventsOf = Callable[[NumericModel, WindowVectors], Sequence[Outgoing]]


@dataclass(frozen=True, slots=True)
class Applied:
    """What a chunk's transaction leaves for after it.

    The changed instruments' rows as they stand now, the changed rows alone, and what is to be published, in batches.
    """

    series: Mapping[str, Series]
    changed: Mapping[str, Series]
    events: Sequence[Sequence[Outgoing]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows to store, also as Postgres takes them."""

    touched: TouchedWindows
    packed: bytearray


class PriceWindows:
    """Keeps prices_daily and the windows of numeric models. What it caches holds as its partitions' fence does."""

    def __init__(self, models: Sequence[NumericModel]) -> None:
        self._models = models
        longest = max(model.window_days for model in models)
        self._lookback = windows.lookback_days(longest)
        self._cache = WindowCache(longest)

    def forget(self) -> None:
        """Forget the newest rows of the instruments, so that they are read again."""
        self._cache.clear()

    def committed(self, applied: Applied) -> None:
        """The transaction in which this was stored has committed: what it left may be cached."""
        self._cache.update(applied.series, applied.changed)

    async def store(self, conn: Connection, closes: Sequence[Close], events: EventsOf) -> Applied:
        """Store closes and the windows that they touch, of which `events` meanwhile makes what is to be published.

        Needs an open transaction.
        """
        newest = {(close.event.instrument_id, close.event.trade_date): close for close in by_first_position(closes)}
        changed, (rows, sent_again) = _changed(newest), rows_of(closes, _row)
        applied = None
        if len(newest) == len(closes) and not sent_again and not any(close.event.retracted for close in closes):
            applied = await self._append(conn, changed, rows, events)
        return applied or await self._merge(conn, changed, (rows, sent_again), newest, events)

    async def _append(
        self, conn: Connection, changed: Mapping[str, Series], rows: Sequence[Row], events: EventsOf
    ) -> Applied | None:
        """Store rows that come after all that is stored of their instruments, as most do; None if these do not.

        Their windows are the new ones alone, and can be computed while the rows are stored.
        """
        tails = await self._tails(conn, changed)
        if tails is None:
            return None
        series = {name: tails[name].followed_by(new) if name in tails else new for name, new in changed.items()}
        batches = Ahead(self._windows(series, changed))
        made = []
        try:
            async with appending(conn):
                await versions.append(conn, versions.PRICES, rows)
                async for batch in batches:
                    storing = numeric_windows.append(conn, batch.packed)
                    made.append(await _stored(batch, storing, events))
        except KeyStored:
            return None
        return Applied(series, changed, made)

    async def _tails(self, conn: Connection, changed: Mapping[str, Series]) -> Mapping[str, Series] | None:
        """The stored rows that the changed rows' windows reach back to; None if a changed row does not come after them.

        An instrument that has none is not in the result.
        """
        cached = {name: tail for name in changed if (tail := self._cache.get(name)) is not None}
        newest = await prices.newest_dates(conn, changed.keys() - cached.keys())
        last_dates = newest | {name: tail.dates[-1] for name, tail in cached.items()}
        if any(changed[name].dates[0] <= day for name, day in last_dates.items()):
            return None
        ranges = {name: ((changed[name].dates[0] - self._lookback).item(), day) for name, day in newest.items()}
        return cached | await prices.current_series(conn, ranges)

    async def _merge(
        self,
        conn: Connection,
        changed: Mapping[str, Series],
        rows: tuple[Sequence[Row], Sequence[Row]],
        newest: Newest,
        events: EventsOf,
    ) -> Applied:
        """Store rows of which some may be stored already, and every window that they touch, a batch at a time.

        Of the rows those that were sent again stand apart.
        """
        merged = await versions.merge(conn, versions.PRICES, *rows)
        series = await self._series(conn, changed, _unusual(newest, merged))
        made = []
        async for batch in Ahead(self._windows(series, changed)):
            made.append(await _stored(batch, numeric_windows.put(conn, batch.packed), events))
            model, gone = batch.touched.model, batch.touched.gone
            await numeric_windows.remove(conn, model.model_id, model.window_days, gone)
        return Applied(series, changed, made)

    def _windows(self, series: Mapping[str, Series], changed: Mapping[str, Series]) -> Iterator[Batch]:
        for touched in touched_windows(series, changed, self._models):
            model = touched.model
            yield Batch(touched, numeric_windows.packed(model.model_id, model.window_days, touched.made))

    async def _series(
        self, conn: Connection, changed: Mapping[str, Series], unusual: Collection[str]
    ) -> dict[str, Series]:
        """Each changed instrument's rows as they stand now, as far as the windows that were touched reach."""
        grown, unknown = {}, {}
        for instrument_id, rows in changed.items():
            tail = self._cache.get(instrument_id)
            if tail is not None and instrument_id not in unusual and rows.dates[0] > tail.dates[-1]:
                grown[instrument_id] = tail.followed_by(rows)
            else:
                first, last = rows.dates[0] - self._lookback, rows.dates[-1] + self._lookback
                unknown[instrument_id] = (first.item(), last.item())
        read = await prices.current_series(conn, unknown)
        return grown | {instrument_id: read.get(instrument_id, prices.EMPTY) for instrument_id in unknown}


async def _stored(batch: Batch, storing: Awaitable[None], events: EventsOf) -> Sequence[Outgoing]:
    """Store a batch, and meanwhile make what is to be published of it."""
    making = asyncio.to_thread(events, batch.touched.model, batch.touched.made)
    return (await asyncio.gather(making, storing))[0]


def _changed(newest: Newest) -> dict[str, Series]:
    """Each instrument's changed rows as a series; a retracted one has no values."""
    rows = defaultdict(list)
    for (instrument_id, day), close in newest.items():
        event = close.event
        rows[instrument_id].append((instrument_id, day, event.close or 0.0, event.volume or 0.0))
    return dict(prices.by_instrument([row for instrument_id in sorted(rows) for row in sorted(rows[instrument_id])]))


def _unusual(newest: Newest, merged: Merged) -> set[str]:
    """The instruments of which a row was corrected or retracted: theirs do not just grow."""
    return {key[0] for key, close in newest.items() if close.event.retracted or key not in merged.fresh}


def _row(close: Close) -> Row:
    e = close.event
    values = (e.open, e.high, e.low, e.close, e.adjusted_close, e.volume, e.currency, e.metadata, e.retracted)
    return (e.instrument_id, e.trade_date, *values, *close.position)
