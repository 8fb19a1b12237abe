"""`prices.closes`: prices and their numeric windows are stored, young windows are published."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.placing import Decoded, Placed, decode
from agents.stage import Stage
from agents.window_cache import WindowCache
from schemas import Codec, NumericWindowEmbedded, PriceClose, Vector, encode, event_id
from schemas.topics import NUMERIC, PRICES
from stream_app.contexts.late import marks_of_prices, reach_of_prices
from stream_app.contexts.models import numeric_model
from stream_app.failpoints import failpoint
from stream_app.kafka.chunks import Chunk
from stream_app.kafka.publisher import Outgoing
from stream_app.regime import numeric, windows
from stream_app.services import Services
from stream_app.store import dead_letters, late_marks, models, numeric_windows, prices, progress, signals, versions
from stream_app.store.database import Connection, connection, transaction
from stream_app.store.numeric_windows import WindowVectors
from stream_app.store.prices import Series
from stream_app.store.progress import Progress
from stream_app.store.versions import Merged

ONE_DAY = dt.timedelta(days=1)

Close = Placed[PriceClose]
Changed = Mapping[str, Mapping[dt.date, Close]]
"""Each instrument's changed rows by trade date, with the newest record of each."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a chunk's transaction leaves for after it: the series to cache and the windows it made."""

    series: dict[str, Series]
    windows: WindowVectors


class PriceCloses(Stage):
    """Keeps prices_daily and the windows of every instrument up to date."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, PRICES.name)
        self._codec: Codec[PriceClose] = Codec(PriceClose)
        self._model = numeric_model(services.settings)
        self._window_days = services.settings.window_days
        self._cache = WindowCache(self._window_days)

    async def register_model(self) -> None:
        """Note the numeric model; Fatal if its id stands for another one in this database."""
        async with transaction(self.services.pool) as conn:
            await models.register(conn, self._model)

    def drop_caches(self) -> None:
        """Forget the windows, so that they are read again."""
        self._cache.clear()

    async def apply(self, chunk: Chunk, was: Progress) -> Progress:
        """Decode; store prices, windows, marks and dead letters in one transaction; publish."""
        decoded = decode(chunk, was, self._codec, "instrument_id")
        failpoint("after-decode")
        changed = _newest_by_row(decoded.fresh)
        async with transaction(self.services.pool) as conn:
            await progress.move_on(conn, was, decoded.now)
            await dead_letters.put(conn, decoded.letters)
            applied = await self._store(conn, decoded, changed)
            await signals.notify(conn)
            failpoint("in-transaction")
        failpoint("after-commit")
        self._cache.update(applied.series)
        await self.publish_dead_letters(decoded.letters)
        await self._publish(applied.windows, decoded.fresh)
        await self._publish(await self._stored_windows(decoded.applied), decoded.applied)
        return decoded.now

    async def _store(self, conn: Connection, decoded: Decoded[PriceClose], changed: Changed) -> Applied:
        if not decoded.fresh:
            return Applied({}, numeric_windows.NONE)
        merged = await versions.merge(conn, versions.PRICES, [_row(close) for close in decoded.fresh])
        series = await self._series(conn, changed, merged)
        made, gone = await asyncio.to_thread(_windows, series, changed, self._window_days)
        await numeric_windows.put(conn, self._model.model_id, self._window_days, made)
        await numeric_windows.remove(conn, self._model.model_id, self._window_days, gone)
        await self._mark_late(conn, decoded, changed, series)
        return Applied(series, made)

    async def _series(self, conn: Connection, changed: Changed, merged: Merged) -> dict[str, Series]:
        """Each changed instrument's rows as they stand now, far enough back for every window that was touched."""
        grown, unknown = {}, {}
        lookback = windows.lookback_days(self._window_days) * ONE_DAY
        for instrument_id, rows in changed.items():
            tail = self._cache.get(instrument_id)
            if tail is not None and _appends(instrument_id, tail, rows, merged):
                grown[instrument_id] = tail.followed_by(_series_of(rows))
            else:
                unknown[instrument_id] = min(rows) - lookback
        read = await prices.current_series(conn, unknown) if unknown else {}
        return grown | {instrument_id: read.get(instrument_id, prices.EMPTY) for instrument_id in unknown}

    async def _mark_late(
        self, conn: Connection, decoded: Decoded[PriceClose], changed: Changed, series: Mapping[str, Series]
    ) -> None:
        latest = await late_marks.latest_triggered_day(conn)
        if latest is None:
            return
        reach = []
        for instrument_id, rows in changed.items():
            late = {day: close.log_offset for day, close in rows.items() if day <= latest}
            if late:
                reach += reach_of_prices(instrument_id, series[instrument_id], late, self._window_days)
        await late_marks.put(conn, await marks_of_prices(conn, decoded.now, reach))

    async def _stored_windows(self, applied: Sequence[Close]) -> WindowVectors:
        """What redelivered records had made, from the stored bytes, no older than what is published."""
        wanted: dict[str, dt.date] = {}
        for close in applied:
            event = close.event
            oldest = max(
                event.trade_date, _oldest_published(close, self.services.settings.numeric_publish_max_age_days)
            )
            wanted[event.instrument_id] = min(oldest, wanted.get(event.instrument_id, oldest))
        if not wanted:
            return numeric_windows.NONE
        async with connection(self.services.pool) as conn:
            return await numeric_windows.stored(conn, self._model.model_id, self._window_days, list(wanted.items()))

    async def _publish(self, made: WindowVectors, closes: Sequence[Close]) -> None:
        max_age = self.services.settings.numeric_publish_max_age_days
        oldest: dict[str, dt.date] = {}
        for close in closes:
            oldest[close.event.instrument_id] = _oldest_published(close, max_age)
        topic = self.services.topic(NUMERIC.name)
        await self.services.publisher.publish(
            [
                Outgoing(topic=topic, key=made.instruments[index].encode(), value=encode(self._event(made, index)))
                for index in range(len(made))
                if made.as_ofs[index] >= oldest[made.instruments[index]]
            ]
        )

    def _event(self, made: WindowVectors, index: int) -> NumericWindowEmbedded:
        instrument_id, as_of, vector = made.instruments[index], made.as_ofs[index], Vector.of(made.vectors[index])
        model = self._model
        return NumericWindowEmbedded(
            event_id=event_id(
                "window", instrument_id, as_of, model.model_id, self._window_days, model.fingerprint, vector.data
            ),
            instrument_id=instrument_id,
            as_of=as_of,
            window_days=self._window_days,
            rows=made.rows[index],
            model_id=model.model_id,
            fingerprint=model.fingerprint,
            vector=vector,
        )


def _newest_by_row(closes: Sequence[Close]) -> dict[str, dict[dt.date, Close]]:
    found: dict[str, dict[dt.date, Close]] = defaultdict(dict)
    for close in closes:
        found[close.event.instrument_id][close.event.trade_date] = close
    return found


def _row(close: Close) -> tuple[object, ...]:
    e = close.event
    values = (e.open, e.high, e.low, e.close, e.adjusted_close, e.volume, e.currency, e.metadata, e.retracted)
    return (e.instrument_id, e.trade_date, *values, *close.position)


def _appends(instrument_id: str, tail: Series, rows: Mapping[dt.date, Close], merged: Merged) -> bool:
    """Whether all rows are new, later than the cached ones and not retracted, so that the tail can just grow."""
    last = tail.dates[-1].astype(object) if len(tail) else dt.date.min
    return all(
        day > last and (instrument_id, day) in merged.fresh and not close.event.retracted for day, close in rows.items()
    )


def _series_of(rows: Mapping[dt.date, Close]) -> Series:
    days = sorted(rows)
    events = [rows[day].event for day in days]
    return Series.of(days, [e.close or 0.0 for e in events], [e.volume or 0.0 for e in events])


def _windows(
    series: Mapping[str, Series], changed: Changed, window_days: int
) -> tuple[WindowVectors, list[tuple[str, dt.date]]]:
    """The vectors of every window that was touched, and the (instrument, day) pairs that have none any more."""
    instruments: list[str] = []
    as_ofs: list[dt.date] = []
    rows: list[int] = []
    vectors = []
    gone: list[tuple[str, dt.date]] = []
    for instrument_id, of_instrument in series.items():
        days = np.array(sorted(changed[instrument_id]), dtype="datetime64[D]")
        touched = windows.windows_touched(of_instrument.dates, days, window_days)
        made = windows.windows(of_instrument.dates, of_instrument.closes, of_instrument.volumes, touched, window_days)
        enough = made.rows >= windows.min_rows(window_days)
        instruments += [instrument_id] * int(enough.sum())
        as_ofs += touched[enough].tolist()
        rows += made.rows[enough].tolist()
        vectors.append(numeric.embed(made.features[enough]))
        lost = np.concatenate([touched[~enough], np.setdiff1d(days, of_instrument.dates)])
        gone += [(instrument_id, day) for day in lost.tolist()]
    return WindowVectors(instruments, as_ofs, rows, np.concatenate(vectors)), gone


def _oldest_published(close: Close, max_age_days: int) -> dt.date:
    """The oldest window day that is published for a record: `max_age_days` before its Kafka time."""
    received = dt.datetime.fromtimestamp(close.log_timestamp_ms / 1000, dt.UTC).date()
    return received - max_age_days * ONE_DAY
