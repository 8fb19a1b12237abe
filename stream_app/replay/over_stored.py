"""Replay over a database that holds the records: each day's newest trigger is computed again, as of its cut.

Nothing is read from the log again. A context whose inputs hash as they did stays; another gets a new revision.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas import RegimeTransition
from schemas.topics import PRICES
from stream_app.contexts.batch import Batch, leading_run
from stream_app.contexts.compose import NEUTRAL, compose
from stream_app.contexts.computing import Computing
from stream_app.contexts.day_inputs import BatchRows, BatchSize, read_day_inputs, read_rows
from stream_app.contexts.late import prices_above_cut
from stream_app.contexts.models import KnownModels
from stream_app.contexts.text_means import TextMeans
from stream_app.contexts.transitions import changes
from stream_app.replay.differences import Difference, difference
from stream_app.replay.telling import Told
from stream_app.services import Services
from stream_app.store import late_marks, progress, revisions, transitions, trigger_queue
from stream_app.store.database import Connection, connection, transaction
from stream_app.store.revisions import NewContext
from stream_app.store.trigger_queue import Days, WaitingTrigger

Triggers = Mapping[str, Sequence[WaitingTrigger]]
"""By region, those with the same cut together."""


class Publish(StrEnum):
    """Which contexts a replay sends to the topic."""

    NONE = "none"
    CHANGED = "changed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Compared:
    """How many days were computed again, and which contexts came out differently."""

    days: int
    changed: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Again:
    """A batch that was computed again: what was read (None: nothing), each space's new contexts, what labels change."""

    rows: BatchRows | None
    made: Sequence[Sequence[NewContext]] = ()
    transitions: Sequence[RegimeTransition] = ()


class StoredReplay:
    """Computes triggers again; live workers go on beside it."""

    def __init__(self, services: Services, models: KnownModels) -> None:
        self._services = services
        self._models = models
        self._size = BatchSize()
        self._text_means = TextMeans(models.text.fingerprint)

    async def run(self, triggers: Triggers, publish: Publish, told: Told) -> Compared:
        """Compute these triggers again, store what changed as new revisions, and publish what was asked for."""
        told.begin("days", sum(map(len, triggers.values())))
        changed: list[Difference] = []
        computing = Computing(self._services, self._models)
        for region, of_region in triggers.items():
            left = list(of_region)
            while left:
                async with transaction(self._services.pool) as conn:
                    await trigger_queue.wait_for_region(conn, region)
                    again = await self._again(conn, left, told, changed)
                    for made in again.made:
                        await revisions.append(conn, made, published=publish is Publish.NONE, recomputed=True)
                    await transitions.append(
                        conn, again.transitions, published=publish is Publish.NONE, recomputed=True
                    )
                    await self._mark_late(conn, again)
            if publish is Publish.ALL:
                await self._publish_again(region, of_region)
            while publish is not Publish.NONE and await computing.publish_region(region):
                pass
        return Compared(sum(map(len, triggers.values())), _in_order(changed))

    async def diff(self, triggers: Triggers, told: Told) -> Compared:
        """What `run` would change; nothing is written."""
        told.begin("days", sum(map(len, triggers.values())))
        changed: list[Difference] = []
        for of_region in triggers.values():
            left = list(of_region)
            while left:
                async with connection(self._services.pool) as conn:
                    await self._again(conn, left, told, changed)
        return Compared(sum(map(len, triggers.values())), _in_order(changed))

    async def _again(
        self, conn: Connection, left: list[WaitingTrigger], told: Told, changed: list[Difference]
    ) -> Again:
        """Take the first of the triggers that are left, compute them, and note what changed.

        Those that a worker has computed a newer one of meanwhile are passed over.
        """
        ahead = leading_run(left)[: self._size.triggers]
        run = await _standing(conn, ahead)
        if not run:
            _take(left, len(ahead), told)
            return Again(None)
        batch = Batch(run, self._services.calendar(run[0].event.definition.calendar))
        rows = await read_rows(conn, self._services, self._models.in_use, batch, self._size)
        inputs = await read_day_inputs(conn, self._text_means, rows, self._models.in_use)
        region, days = batch.region, rows.batch.days
        all_made = []
        for space in self._models.spaces:
            model_id = space.joint.model_id
            last = await revisions.last_revisions(conn, region, model_id, days)
            made = await asyncio.to_thread(compose, inputs[space.numeric.model_id], space, last)
            before = await revisions.newest(conn, region, model_id, [each.context.as_of for each in made])
            changed += [difference(before.get(each.context.as_of), each.context) for each in made]
            all_made.append(made)
        _take(left, len(ahead) if len(days) == len(run) else ahead.index(run[len(days)]), told)
        return Again(rows, all_made, await changes(conn, inputs, self._models.in_use))

    async def _mark_late(self, conn: Connection, again: Again) -> None:
        """Let the closer amend days of which a model has its first context, where prices above the cut touch them.

        These prices left no mark if no model's windows, or label's sessions, reached so far when they came.
        """
        contexts = [each.context for made in again.made for each in made]
        first = {each.as_of for each in contexts if each.revision == 1 or each.regime_label not in (None, NEUTRAL)}
        if again.rows is None or not first:
            return
        topic, batch = self._services.topic(PRICES.name), again.rows.batch
        await progress.wait_for_open_chunks(conn, [topic])
        days = Batch([trigger for trigger in batch.triggers if trigger.event.as_of in first], batch.calendar)
        marks = await prices_above_cut(conn, days, again.rows.series, topic, self._models.in_use.look_back)
        await late_marks.put(conn, marks, self._services.clock.now())

    async def _publish_again(self, region: str, triggers: Sequence[WaitingTrigger]) -> None:
        days = [trigger.event.as_of for trigger in triggers]
        async with transaction(self._services.pool) as conn:
            await trigger_queue.wait_for_region(conn, region)
            for space in self._models.spaces:
                await revisions.publish_again(conn, region, space.joint.model_id, days)
            for model in self._models.in_use.regimes:
                await transitions.publish_again(conn, region, model.model_id, days)


def _in_order(changed: Sequence[Difference]) -> list[Difference]:
    """By region and day; a day's models in the order in which they are computed."""
    return sorted(changed, key=lambda each: (each.region, each.as_of))


async def _standing(conn: Connection, ahead: Sequence[WaitingTrigger]) -> list[WaitingTrigger]:
    """Of a region's triggers those whose day has no newer one that was computed."""
    region, days = ahead[0].event.region, [trigger.event.as_of for trigger in ahead]
    numbers = await trigger_queue.newest_numbers(conn, region, days)
    return [trigger for trigger in ahead if numbers[trigger.event.as_of] <= trigger.event.number]


def _take(left: list[WaitingTrigger], taken: int, told: Told) -> None:
    del left[:taken]
    told.advance(taken)


async def stored_triggers(services: Services, regions: Sequence[str], days: Days) -> dict[str, list[WaitingTrigger]]:
    """Each of these days' newest computed trigger, of these regions (none: of all)."""
    async with connection(services.pool) as conn:
        chosen = regions or await trigger_queue.computed_regions(conn)
        return {region: await trigger_queue.newest_computed(conn, region, days) for region in chosen}
