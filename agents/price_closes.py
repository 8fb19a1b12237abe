"""`prices.closes`: prices and their numeric windows are stored, young windows are published."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from agents.placing import Decoded, Records, decode
from agents.price_windows import Applied, Close, PriceWindows
from agents.stage import Stage
from agents.window_events import WindowEvents
from schemas import Codec, PriceClose, too_far_ahead
from schemas.topics import NUMERIC, PRICES
from stream_app.contexts.late import marks_of_prices, reach_of_prices
from stream_app.failpoints import failpoint
from stream_app.kafka.chunks import Chunk
from stream_app.kafka.producing import Outgoing
from stream_app.metrics.counting import timed
from stream_app.metrics.listed import CHUNK_SECONDS
from stream_app.services import Services
from stream_app.store import dead_letters, handled_letters, late_marks, models, numeric_windows, progress, signals
from stream_app.store.database import Connection, connection, transaction
from stream_app.store.progress import Progress

NOTHING = Applied({}, {}, ())
PUBLISH_WINDOWS = 1_000
"""In one transaction, 2.7 MB of them: a slow broker takes as many in time."""


class PriceCloses(Stage):
    """Keeps prices_daily and the windows of every instrument up to date."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, PRICES.name, Records(Codec(PriceClose), "instrument_id", too_far_ahead))
        self._models = services.models.numeric
        self._windows = PriceWindows(self._models)
        max_age_days = services.settings.numeric_publish_max_age_days
        self._events = WindowEvents(services.topic(NUMERIC.name), max_age_days)

    async def register_models(self) -> None:
        """Note the numeric models; Fatal if an id stands for another one in this database."""
        async with transaction(self.services.pool) as conn:
            for model in self._models:
                await models.register(conn, model.registered)

    def drop_caches(self) -> None:
        """Forget the newest rows of the instruments, so that they are read again."""
        self._windows.forget()

    async def apply(self, chunk: Chunk, was: Progress) -> Decoded[PriceClose]:
        """Decode; store prices, windows, marks and dead letters in one transaction; publish.

        The partition's lane is taken before the transaction, whose fence then shows that nobody had gone on by then:
        whoever goes on later takes the lane later, and no window of this chunk can follow a newer one of theirs. (Where
        partitions were added, an instrument's windows may go out by two lanes, and this holds for each alone.)
        """
        lane = f"windows-{chunk.partition}"
        await self.services.fenced.take(lane)
        with timed(CHUNK_SECONDS, "decode"):
            decoded: Decoded[PriceClose] = self.counted(chunk, decode(chunk, was, self.records))
        failpoint("after-decode")
        async with self.transaction() as conn:
            await progress.move_on(conn, was, decoded.now)
            await dead_letters.put(conn, decoded.letters)
            await handled_letters.mark_returned(conn, self.topic, decoded.returned)
            if was.keys_moved:
                # Rows of an instrument may be stored from two partitions: what is cached lacks the other one's.
                await progress.one_at_a_time(conn, self.topic)
                self._windows.forget()
            applied = await self._store(conn, decoded) if decoded.fresh else NOTHING
            await signals.notify(conn)
            failpoint("in-transaction")
        failpoint("after-commit")
        self._windows.committed(applied)
        with timed(CHUNK_SECONDS, "publish"):
            await self.publish_dead_letters(decoded.new_letters)
            for records in (*applied.events, await self._stored_events(decoded.applied)):
                for first in range(0, len(records), PUBLISH_WINDOWS):
                    await self.services.fenced.publish(lane, records[first : first + PUBLISH_WINDOWS])
        return decoded

    async def _store(self, conn: Connection, decoded: Decoded[PriceClose]) -> Applied:
        applied = await self._windows.store(conn, decoded.fresh, partial(self._events.records, decoded.fresh))
        await self._mark_late(conn, decoded, applied)
        return applied

    async def _mark_late(self, conn: Connection, decoded: Decoded[PriceClose], applied: Applied) -> None:
        latest = await late_marks.latest_triggered_day(conn)
        if latest is None:
            return
        back = self.services.models.look_back
        late: dict[str, dict[dt.date, int]] = defaultdict(dict)
        for close in decoded.fresh:
            if close.event.trade_date <= latest:
                late[close.event.instrument_id][close.event.trade_date] = close.log_offset
        reach = [
            each
            for instrument_id, rows in late.items()
            for each in reach_of_prices(instrument_id, applied.series[instrument_id], rows, back)
        ]
        await late_marks.put(conn, await marks_of_prices(conn, decoded.now, reach), self.services.clock.now())

    async def _stored_events(self, applied: Sequence[Close]) -> list[Outgoing]:
        """What redelivered records had made, from the stored bytes, no older than what is published."""
        wanted: dict[str, dt.date] = {}
        for close in applied:
            event = close.event
            oldest = max(event.trade_date, self._events.oldest(close))
            wanted[event.instrument_id] = min(oldest, wanted.get(event.instrument_id, oldest))
        if not wanted:
            return []
        records = []
        for model in self._models:
            async with connection(self.services.pool) as conn:
                made = await numeric_windows.stored(conn, model.model_id, model.window_days, list(wanted.items()))
            records += await asyncio.to_thread(self._events.records, applied, model, made)
        return records
