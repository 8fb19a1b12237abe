"""The computing task: takes a region's oldest triggers whose cut is reached, computes, and publishes in order."""

import asyncio
import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial

from schemas import JointRegimeContext, RegimeTransition
from schemas.topics import CONTEXTS, CONTEXTS_LATEST, NEWS, PRICES, TRANSITIONS
from stream_app.contexts.batch import Batch, leading_run
from stream_app.contexts.compose import compose
from stream_app.contexts.day_inputs import BatchSize, read_day_inputs, read_rows
from stream_app.contexts.inputs import read_articles
from stream_app.contexts.late import news_above_cut, prices_above_cut
from stream_app.contexts.models import KnownModels, known_models, register
from stream_app.contexts.text_means import TextMeans
from stream_app.contexts.transitions import changes
from stream_app.errors import FenceLost
from stream_app.failpoints import failpoint
from stream_app.kafka.producing import Outgoing
from stream_app.metrics.counting import add, begin, observe, set_to
from stream_app.metrics.listed import CLOSE_TO_CONTEXT, CUT_WAITING, REVISIONS
from stream_app.services import Services
from stream_app.side_by_side import some_at_a_time
from stream_app.store import late_marks, progress, revisions, transitions, trigger_queue
from stream_app.store.database import Connection, connection, transaction
from stream_app.store.news import Article
from stream_app.store.progress import Reach
from stream_app.store.trigger_queue import EVERY_DAY, Days, WaitingTrigger

PUBLISH_CONTEXTS = 500
REGIONS_AT_A_TIME = 3
"""While Postgres stores one region's contexts, another's are computed. A batch of each is in memory."""

log = logging.getLogger(__name__)


async def register_models(services: Services) -> KnownModels | None:
    """The models that contexts are made of; None until the news stage has registered its text model."""
    async with transaction(services.pool) as conn:
        await register(conn, services.models)
        return await known_models(conn, services.models)


class Computing:
    """Computes and publishes what waits, region by region; several processes share the work, one of these each.

    `days` are the only ones that this one computes. With `withheld` they count as published at once.
    """

    def __init__(
        self, services: Services, models: KnownModels, days: Days = EVERY_DAY, *, withheld: bool = False
    ) -> None:
        self._services = services
        self._models = models
        self._days = days
        self._withheld = withheld
        self._size = BatchSize()
        self._text_means = TextMeans(models.text.fingerprint)
        self._prepared: dict[str, str] = {}
        self._waited: set[str] = set()
        for region in services.regions:
            begin(CLOSE_TO_CONTEXT, region)

    async def work(self) -> bool:
        """One round over the regions that have work; whether anything was done."""
        async with connection(self._services.pool) as conn:
            regions = await trigger_queue.regions_with_work(conn)
        for region in self._waited - set(regions):
            self._told_wait(region, None)
        return any(await some_at_a_time([partial(self._round, region) for region in regions], REGIONS_AT_A_TIME))

    async def _round(self, region: str) -> bool:
        computed = await self.compute_region(region)
        return await self.publish_region(region) or computed > 0

    async def finish(self, regions: Collection[str], computed: Callable[[int], None]) -> None:
        """Compute what can be of these regions and publish it; `computed` is told the number of each batch."""
        await some_at_a_time([partial(self._finish, region, computed) for region in regions], REGIONS_AT_A_TIME)

    async def _finish(self, region: str, computed: Callable[[int], None]) -> None:
        while done := await self.compute_region(region):
            computed(done)
        while await self.publish_region(region):
            pass

    async def compute_region(self, region: str) -> int:
        """Compute the region's oldest triggers, if nobody else does and their cut is reached; how many."""
        async with transaction(self._services.pool) as conn:
            if not await trigger_queue.lock_region(conn, region):
                return 0
            waiting = await trigger_queue.waiting(conn, region, self._size.triggers, self._days)
            if not waiting:
                return 0
            reach = await progress.reach(conn, waiting[0].event.cut)
            self._told_wait(region, waiting[0].known_at if reach is Reach.WAITING else None)
            if reach is Reach.WAITING:
                await self._prepare(conn, waiting[0])
                return 0
            run = leading_run(waiting)
            if reach is Reach.NEVER:
                await _supersede(conn, run, self._services.clock.now())
                return len(run)
            batch = Batch(run, self._services.calendar(run[0].event.definition.calendar))
            computed, made = await self._compute(conn, batch)
            failpoint("contexts-in-transaction")
        failpoint("contexts-computed")
        for labels, contexts in made.items():
            add(REVISIONS, contexts, *labels)
        return computed

    def _told_wait(self, region: str, since: dt.datetime | None) -> None:
        """Since when the region's oldest trigger waits for its cut; None: it does not."""
        (self._waited.discard if since is None else self._waited.add)(region)
        waited = 0.0 if since is None else (self._services.clock.now() - since).total_seconds()
        set_to(CUT_WAITING, max(0.0, waited), region)

    async def _prepare(self, conn: Connection, trigger: WaitingTrigger) -> None:
        """Read once what a day has so far while its cut is waited for: that is the most of what its context takes."""
        event = trigger.event
        if self._prepared.get(event.region) == event.event_id:
            return
        self._prepared[event.region] = event.event_id
        batch = Batch([trigger], self._services.calendar(event.definition.calendar))
        (articles,) = await read_articles(conn, batch, self._services.topic(NEWS.name))
        await self._text_means.prepare(conn, articles)

    async def _compute(self, conn: Connection, batch: Batch) -> tuple[int, Counter[tuple[str, str, str]]]:
        """How many of the batch's triggers were computed, and the revisions made by the labels of their metric."""
        prices_topic, news_topic = self._services.topic(PRICES.name), self._services.topic(NEWS.name)
        if batch.learnt:
            await progress.wait_for_open_chunks(conn, [prices_topic, news_topic])
        in_use = self._models.in_use
        rows = await read_rows(conn, self._services, in_use, batch, self._size)
        batch = rows.batch
        if batch.learnt:
            marks = await prices_above_cut(conn, batch, rows.series, prices_topic, in_use.look_back)
            marks += await news_above_cut(conn, batch, _days_of(batch.days, rows.articles), news_topic)
            await late_marks.put(conn, marks, self._services.clock.now())
        inputs = await read_day_inputs(conn, self._text_means, rows, in_use)
        of_labels: Counter[tuple[str, str, str]] = Counter()
        for space in self._models.spaces:
            last = await revisions.last_revisions(conn, batch.region, space.joint.model_id, batch.days)
            made = await asyncio.to_thread(compose, inputs[space.numeric.model_id], space, last)
            await revisions.append(conn, made, published=self._withheld)
            of_labels.update((batch.region, c.model_id, c.absent_reason or "") for c in (new.context for new in made))
        await transitions.append(conn, await changes(conn, inputs, in_use), published=self._withheld)
        await trigger_queue.mark_computed(conn, [trigger.event for trigger in batch.triggers])
        log.info("computed region=%s triggers=%d revisions=%d", batch.region, len(batch.days), of_labels.total())
        return len(batch.days), of_labels

    async def publish_region(self, region: str) -> bool:
        """Publish the region's unpublished contexts, and its transitions, each in the order in which they were made.

        Whether there were any. Another worker may have taken over in the meantime what this one was about to publish.
        """
        with suppress(FenceLost):
            return await self._publish(region)
        return True

    async def _publish(self, region: str) -> bool:
        lane = f"contexts-{region}"
        async with transaction(self._services.pool) as conn:
            if not await trigger_queue.lock_region(conn, region):
                return False
            if not await revisions.are_unpublished(conn, region):
                return False
            # Taken before the rows are read: reading them shows that the lock was still held then, so that whoever
            # has it next takes the lane later, and nothing that was read here can follow what that one publishes.
            await self._services.fenced.take(lane)
            unpublished = await revisions.unpublished(conn, region, PUBLISH_CONTEXTS)
            changed = await transitions.unpublished(conn, region, PUBLISH_CONTEXTS)
            failpoint("contexts-unpublished")
            await self._services.fenced.publish(
                lane,
                [record for context, payload in unpublished for record in self._records(context, payload)]
                + [self._record(transition, payload) for transition, payload in changed],
            )
            failpoint("contexts-published")
            await revisions.mark_published(conn, region, [context for context, _ in unpublished])
            await transitions.mark_published(conn, region, [transition for transition, _ in changed])
        now = self._services.clock.now()
        for context, _ in unpublished:
            observe(CLOSE_TO_CONTEXT, max(0.0, (now - context.known_at).total_seconds()), region)
        return True

    def _record(self, of: RegimeTransition, payload: bytes) -> Outgoing:
        key = f"{of.region}|{of.as_of}|{of.model_id}|{of.revision}"
        return Outgoing(self._services.topic(TRANSITIONS.name), key.encode(), payload, of.region.encode())

    def _records(self, context: JointRegimeContext, payload: bytes) -> list[Outgoing]:
        day = f"{context.region}|{context.as_of}|{context.model_id}"
        region = context.region.encode()
        return [
            Outgoing(
                topic=self._services.topic(CONTEXTS.name),
                key=f"{day}|{context.revision}".encode(),
                value=payload,
                partition_key=region,
            ),
            Outgoing(
                topic=self._services.topic(CONTEXTS_LATEST.name), key=day.encode(), value=payload, partition_key=region
            ),
        ]


async def _supersede(conn: Connection, run: Sequence[WaitingTrigger], now: dt.datetime) -> None:
    """Pass over triggers whose records ended with their log, and let the closer amend their days from what there is."""
    first, events = run[0].event, [trigger.event for trigger in run]
    epochs = await progress.epochs(conn, first.cut)
    ended = [topic for topic, of_topic in first.cut.items() if of_topic.epoch < epochs[topic]]
    await late_marks.put(
        conn,
        [late_marks.below_all(event.region, event.as_of, topic, epochs[topic]) for event in events for topic in ended],
        now,
    )
    await trigger_queue.mark_computed(conn, events, superseded=True)
    log.warning(
        "superseded region=%s triggers=%d first=%s: their cuts name records of %s that no log holds any more",
        first.region,
        len(run),
        first.as_of,
        " and ".join(ended),
    )


def _days_of(days: Sequence[dt.date], articles: Sequence[Sequence[Article]]) -> dict[str, list[dt.date]]:
    found: dict[str, list[dt.date]] = {}
    for day, of_day in zip(days, articles, strict=True):
        for article in of_day:
            found.setdefault(article.article_id, []).append(day)
    return found
