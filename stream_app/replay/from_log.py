"""Replay into an empty database: the log goes through the stages' own handlers, from its start to its end at the start.

Nothing is closed or amended here: the triggers of the log are computed, and no others. How far it has come is the
database's own progress, so a replay that was stopped goes on where it was.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from agents.day_closes import DayCloses
from agents.news_articles import NewsArticles
from agents.price_closes import PriceCloses
from agents.stage import Stage
from agents.text_refill import refill_text_vectors
from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.contexts.computing import Computing, register_models
from stream_app.encoding import TextEncoder
from stream_app.errors import UsageError
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.chunks import TP, Chunk, ChunkLimits, cut
from stream_app.kafka.fenced import FencedPublisher
from stream_app.kafka.producing import Outgoing
from stream_app.kafka.publisher import Publisher
from stream_app.kafka.stages import AssignedLog
from stream_app.outage import while_away
from stream_app.replay.telling import Told
from stream_app.services import Services
from stream_app.side_by_side import some_at_a_time
from stream_app.store import progress, replays, revisions, texts, trigger_queue
from stream_app.store.database import connection, transaction
from stream_app.store.replays import Replay
from stream_app.store.trigger_queue import Days

GENERATION = 1


@dataclass(frozen=True, slots=True)
class Filled:
    """What a replay into an empty database did. `encoded`: texts whose vector no topic held."""

    records: int
    contexts: int
    encoded: int
    waiting: Mapping[str, Sequence[dt.date]]
    """By region the days with a trigger that was not computed: its cut lies beyond the end, or it was not asked for."""


class Withheld(Publisher):
    """A publisher that sends nothing: what it is given counts as published."""

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Nothing is sent."""


class WithheldLanes(FencedPublisher):
    """The same for lanes, which are left to their writers."""

    async def take(self, lane: str) -> None:
        """Nothing is taken."""

    async def publish(self, lane: str, records: Sequence[Outgoing]) -> None:
        """Nothing is sent."""


async def begin_or_resume(services: Services, publish: bool | None) -> Replay | None:
    """The replay that was stopped here, or a new one; None for a database that holds a log's records already.

    `publish` None: as the stopped one had it, and not in a new one. Raises UsageError when they differ.
    """
    names = (PRICES.name, NEWS.name, DAY_CLOSES.name)
    topics = [services.topic(name) for name in names]
    ends = {topic: await services.log.end_offsets(topic) for topic in topics}
    async with transaction(services.pool) as conn:
        await progress.check_prefix(conn, services.settings.topic_prefix, names)
        if (stopped := await replays.unfinished(conn)) is not None:
            if stopped.ends.keys() != ends.keys():
                topics_then = ", ".join(sorted(stopped.ends))
                raise UsageError(f"The replay that was stopped here reads {topics_then}: set topic_prefix as it was.")
            if publish not in (None, stopped.publish):
                how = "publishes what it makes" if stopped.publish else "publishes nothing"
                raise UsageError(f"The replay that was stopped here {how}: go on with it as it was begun.")
            return stopped
        if not await replays.is_empty(conn):
            return None
        begun = Replay(bool(publish), ends)
        await replays.begin(conn, begun)
        return begun


class LogReplay:
    """One run of a replay, from where the database's progress is to the replay's ends."""

    def __init__(self, services: Services, encoder: TextEncoder, replay: Replay) -> None:
        settings = services.settings
        self._services = services if replay.publish else _withheld(services)
        self._ends = replay.ends
        self._text_model = services.models.text.registered(encoder.fingerprint)
        self._limits = ChunkLimits(settings.chunk_records, settings.chunk_bytes)
        self._prices = PriceCloses(self._services)
        self._news = NewsArticles(self._services, encoder, self._text_model, self._limits)
        self._stages: Sequence[Stage] = (self._prices, self._news, DayCloses(self._services))
        self._withheld = not replay.publish
        self._records = 0

    async def run(self, regions: Collection[str], days: Days, told: Told) -> Filled:
        """Apply what is left of the log, compute these days of these regions (none: of all), and note the end."""
        await while_away(self._prices.register_models)
        await while_away(self._news.register_models)
        await while_away(lambda: refill_text_vectors(self._services))
        async with connection(self._services.pool) as conn:
            known = await texts.count(conn, self._text_model.fingerprint)
        await self._apply_all(told)
        async with connection(self._services.pool) as conn:
            encoded = await texts.count(conn, self._text_model.fingerprint) - known
        contexts = await self._compute(regions, days, told)
        async with transaction(self._services.pool) as conn:
            await replays.finish(conn)
            waiting = await trigger_queue.waiting_days(conn)
        return Filled(self._records, contexts, encoded, waiting)

    async def _apply_all(self, told: Told) -> None:
        async with connection(self._services.pool) as conn:
            at = {stage.topic: await progress.offsets(conn, stage.topic) for stage in self._stages}
        left = sum(
            max(0, end - at[topic].get(partition, 0))
            for topic, ends in self._ends.items()
            for partition, end in enumerate(ends)
        )
        told.begin("records", left)
        await some_at_a_time([partial(self._apply, stage, told) for stage in self._stages], len(self._stages))

    async def _apply(self, stage: Stage, told: Told) -> None:
        """Every partition of a stage's topic, one after the other, through its handler."""
        for partition, end in enumerate(self._ends[stage.topic]):
            await while_away(partial(self._apply_until, stage, TP(stage.topic, partition), end, told))
        # Dead letters that a run which was killed has stored and not sent; else the next worker would send them.
        await while_away(partial(stage.publish_left_over, 0.0))

    async def _apply_until(self, stage: Stage, tp: TP, end: int, told: Told) -> None:
        log_start = (await self._services.log.start_offsets(tp.topic))[tp.partition]
        log_end = (await self._services.log.end_offsets(tp.topic))[tp.partition]
        start = (await stage.start_offsets({tp: AssignedLog(None, log_start, log_end)}))[tp]
        async for fetched in self._services.log.records(tp.topic, tp.partition, start, end):
            for records in cut(fetched, self._limits):
                await stage.handle(Chunk(tp.topic, tp.partition, GENERATION, records))
                self._records += len(records)
                told.advance(len(records))
        await stage.idle(tp, end)

    async def _compute(self, regions: Collection[str], days: Days, told: Told) -> int:
        models = await register_models(self._services)
        assert models is not None  # the news stage's handler has registered the text model
        computing = Computing(self._services, models, days, withheld=self._withheld)
        async with connection(self._services.pool) as conn:
            before = await revisions.count(conn)
            found = await trigger_queue.regions_with_work(conn)
            chosen = [region for region in found if not regions or region in regions]
            told.begin("days", await trigger_queue.count_waiting(conn, chosen, days))
        await while_away(partial(computing.finish, chosen, told.advance))
        async with connection(self._services.pool) as conn:
            return await revisions.count(conn) - before


def _withheld(services: Services) -> Services:
    nowhere = KafkaAccess("")
    return replace(services, publisher=Withheld(nowhere), fenced=WithheldLanes(nowhere, ""))
