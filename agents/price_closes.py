"""`prices.closes`: prices and their numeric windows are stored, young windows are published."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.placing import Decoded, Placed, decode
from agents.stage import Stage
from agents.touched_windows import touched_windows
from agents.window_cache import WindowCache
from schemas import Codec, NumericWindowEmbedded, PriceClose, Vector, encode, event_id, too_far_ahead
from schemas.topics import NUMERIC, PRICES
from stream_app.contexts.late import marks_of_prices, reach_of_prices
from stream_app.contexts.models import numeric_model
from stream_app.failpoints import failpoint
from stream_app.kafka.chunks import Chunk
from stream_app.kafka.publisher import Outgoing
from stream_app.regime import windows
from stream_app.services import Services
from stream_app.store import dead_letters, late_marks, models, numeric_windows, prices, progress, signals, versions
from stream_app.store.database import Connection, connection, transaction
from stream_app.store.numeric_windows import WindowVectors
from stream_app.store.prices import Series
from stream_app.store.progress import Progress
from stream_app.store.versions import Merged

ONE_DAY = dt.timedelta(days=1)

Close = Placed[PriceClose]
Newest = Mapping[tuple[str, dt.date], Close]
"""The changed rows by instrument and trade date, with the newest record of each."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a chunk's transaction leaves for after it.

    The changed instruments' rows as they stand now, the changed rows alone, and the windows young enough to publish.
    """

    series: Mapping[str, Series]
    changed: Mapping[str, Series]
    young: Sequence[WindowVectors]


NOTHING = Applied({}, {}, ())


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
        decoded = decode(chunk, was, self._codec, "instrument_id", too_far_ahead)
        failpoint("after-decode")
        async with transaction(self.services.pool) as conn:
            await progress.move_on(conn, was, decoded.now)
            await dead_letters.put(conn, decoded.letters)
            applied = await self._store(conn, decoded)
            await signals.notify(conn)
            failpoint("in-transaction")
        failpoint("after-commit")
        self._cache.update(applied.series, applied.changed)
        await self.publish_dead_letters(decoded.letters)
        for made in applied.young:
            await self._publish(made, decoded.fresh)
        await self._publish(await self._stored_windows(decoded.applied), decoded.applied)
        return decoded.now

    async def _store(self, conn: Connection, decoded: Decoded[PriceClose]) -> Applied:
        if not decoded.fresh:
            return NOTHING
        newest = {(close.event.instrument_id, close.event.trade_date): close for close in decoded.fresh}
        changed = _changed(newest)
        merged = await versions.merge(conn, versions.PRICES, [_row(close) for close in decoded.fresh])
        series = await self._series(conn, changed, _unusual(newest, merged))
        young = await self._store_windows(conn, series, changed, self._oldest_published(decoded.fresh[0]))
        await self._mark_late(conn, decoded, newest, series)
        return Applied(series, changed, young)

    async def _store_windows(
        self, conn: Connection, series: Mapping[str, Series], changed: Mapping[str, Series], publish_from: dt.date
    ) -> list[WindowVectors]:
        """Store the windows of the changed rows, a batch at a time; returns those that may have to be published."""
        young = []
        batches = touched_windows(series, changed, self._window_days)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            made, gone = batch
            await numeric_windows.put(conn, self._model.model_id, self._window_days, made)
            await numeric_windows.remove(conn, self._model.model_id, self._window_days, gone)
            young.append(made.since(publish_from))
        return young

    async def _series(
        self, conn: Connection, changed: Mapping[str, Series], unusual: Collection[str]
    ) -> dict[str, Series]:
        """Each changed instrument's rows as they stand now, as far as the windows that were touched reach."""
        grown, unknown = {}, {}
        lookback = windows.lookback_days(self._window_days)
        for instrument_id, rows in changed.items():
            tail = self._cache.get(instrument_id)
            if tail is not None and instrument_id not in unusual and rows.dates[0] > tail.dates[-1]:
                grown[instrument_id] = tail.followed_by(rows)
            else:
                first, last = rows.dates[0] - lookback, rows.dates[-1] + lookback
                unknown[instrument_id] = (first.item(), last.item())
        read = await prices.current_series(conn, unknown) if unknown else {}
        return grown | {instrument_id: read.get(instrument_id, prices.EMPTY) for instrument_id in unknown}

    async def _mark_late(
        self, conn: Connection, decoded: Decoded[PriceClose], newest: Newest, series: Mapping[str, Series]
    ) -> None:
        latest = await late_marks.latest_triggered_day(conn)
        if latest is None:
            return
        late: dict[str, dict[dt.date, int]] = defaultdict(dict)
        for (instrument_id, day), close in newest.items():
            if day <= latest:
                late[instrument_id][day] = close.log_offset
        reach = [
            each
            for instrument_id, rows in late.items()
            for each in reach_of_prices(instrument_id, series[instrument_id], rows, self._window_days)
        ]
        await late_marks.put(conn, await marks_of_prices(conn, decoded.now, reach))

    async def _stored_windows(self, applied: Sequence[Close]) -> WindowVectors:
        """What redelivered records had made, from the stored bytes, no older than what is published."""
        wanted: dict[str, dt.date] = {}
        for close in applied:
            event = close.event
            oldest = max(event.trade_date, self._oldest_published(close))
            wanted[event.instrument_id] = min(oldest, wanted.get(event.instrument_id, oldest))
        if not wanted:
            return numeric_windows.NONE
        async with connection(self.services.pool) as conn:
            return await numeric_windows.stored(conn, self._model.model_id, self._window_days, list(wanted.items()))

    async def _publish(self, made: WindowVectors, closes: Sequence[Close]) -> None:
        if not len(made):
            return
        newest = {close.event.instrument_id: close for close in closes}
        oldest = {name: np.datetime64(self._oldest_published(newest[name])) for name in set(made.instruments)}
        topic = self.services.topic(NUMERIC.name)
        await self.services.publisher.publish(
            [
                Outgoing(topic=topic, key=made.instruments[index].encode(), value=encode(self._event(made, index)))
                for index in range(len(made))
                if made.as_ofs[index] >= oldest[made.instruments[index]]
            ]
        )

    def _oldest_published(self, close: Close) -> dt.date:
        """The oldest window day that is published for a record: so many days before its Kafka time."""
        received = dt.datetime.fromtimestamp(close.log_timestamp_ms / 1000, dt.UTC).date()
        return received - self.services.settings.numeric_publish_max_age_days * ONE_DAY

    def _event(self, made: WindowVectors, index: int) -> NumericWindowEmbedded:
        instrument_id, as_of = made.instruments[index], made.as_ofs[index].item()
        vector = Vector.of(made.vectors[index])
        model = self._model
        return NumericWindowEmbedded(
            event_id=event_id(
                "window", instrument_id, as_of, model.model_id, self._window_days, model.fingerprint, vector.data
            ),
            instrument_id=instrument_id,
            as_of=as_of,
            window_days=self._window_days,
            rows=int(made.rows[index]),
            model_id=model.model_id,
            fingerprint=model.fingerprint,
            vector=vector,
        )


def _changed(newest: Newest) -> dict[str, Series]:
    """Each instrument's changed rows as a series; a retracted one has no values."""
    rows = []
    for key in sorted(newest):
        event = newest[key].event
        rows.append((*key, event.close or 0.0, event.volume or 0.0))
    return dict(prices.by_instrument(rows))


def _unusual(newest: Newest, merged: Merged) -> set[str]:
    """The instruments of which a row was corrected or retracted: theirs do not just grow."""
    return {key[0] for key, close in newest.items() if close.event.retracted or key not in merged.fresh}


def _row(close: Close) -> tuple[object, ...]:
    e = close.event
    values = (e.open, e.high, e.low, e.close, e.adjusted_close, e.volume, e.currency, e.metadata, e.retracted)
    return (e.instrument_id, e.trade_date, *values, *close.position)
