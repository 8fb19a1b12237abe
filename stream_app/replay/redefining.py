"""Days that were computed under another definition of their region than today's, and new triggers for them."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas import DayAmended, TopicCut
from schemas.topics import NEWS, PRICES
from stream_app.contexts.closing import closed_at as close_of
from stream_app.contexts.closing import definition_of, is_past_deadline
from stream_app.contexts.cut import finish_triggers
from stream_app.errors import UsageError
from stream_app.regime.calendars import OutsideCalendar
from stream_app.replay.over_stored import Triggers
from stream_app.services import Services
from stream_app.store import progress, triggers
from stream_app.store.database import connection, transaction
from stream_app.store.trigger_queue import WaitingTrigger
from stream_app.store.triggers import NewTrigger, trigger_id


@dataclass(frozen=True, slots=True)
class Redefined:
    """How many days got a trigger, and how many have a newer one already that waits to be computed."""

    made: int
    waiting: int


def outdated(services: Services, stored: Triggers) -> Triggers:
    """Of each configured region's newest triggers those of another definition than today's."""
    found = {}
    for region, of_region in stored.items():
        if region in services.regions:
            today = definition_of(services.regions[region])
            found[region] = [trigger for trigger in of_region if trigger.event.definition != today]
    return found


async def redefine(services: Services, days: Triggers) -> Redefined:
    """Make and publish triggers with today's definitions for these days. Workers compute them.

    UsageError, and none is made, where a region's calendar of today does not know one of the days.
    """
    made = 0
    all_new = {region: [_new(services, region, trigger) for trigger in of_region] for region, of_region in days.items()}
    for region, new in all_new.items():
        async with transaction(services.pool) as conn:
            definition = definition_of(services.regions[region])
            made += len(await triggers.make(conn, region, definition, new, services.clock.now()))
    await finish_triggers(services)
    return Redefined(made, sum(map(len, days.values())) - made)


async def as_if_redefined(services: Services, days: Triggers) -> dict[str, list[WaitingTrigger]]:
    """The triggers that `redefine` would make, as of what the database has applied now."""
    topics = [services.topic(name) for name in (PRICES.name, NEWS.name)]
    async with connection(services.pool) as conn:
        epochs = await progress.epochs(conn, topics)
        at = {topic: await progress.offsets(conn, topic) for topic in topics}
    cut = {
        topic: TopicCut(
            epoch=epochs[topic], offsets=tuple(at[topic].get(n, 0) for n in range(max(at[topic], default=-1) + 1))
        )
        for topic in topics
    }
    return {
        region: [_imagined(services, region, trigger, cut) for trigger in of_region]
        for region, of_region in days.items()
    }


def _new(services: Services, region: str, trigger: WaitingTrigger) -> NewTrigger:
    event, config = trigger.event, services.regions[region]
    calendar = services.calendar_of(region)
    try:
        closed_at = close_of(config, calendar, event.as_of)
        calendar.news_window(event.as_of)
    except OutsideCalendar as error:
        raise UsageError(f"Region {region}: {error} --from and --to leave days out.") from None
    stale = event.allow_stale or is_past_deadline(services, closed_at)
    return NewTrigger(event.as_of, event.number + 1, closed_at, stale)


def _imagined(services: Services, region: str, trigger: WaitingTrigger, cut: Mapping[str, TopicCut]) -> WaitingTrigger:
    new = _new(services, region, trigger)
    event = DayAmended(
        event_id=trigger_id(region, new.as_of, new.number),
        region=region,
        as_of=new.as_of,
        number=new.number,
        closed_at=new.closed_at,
        cut=dict(cut),
        definition=definition_of(services.regions[region]),
        allow_stale=new.allow_stale,
    )
    return WaitingTrigger(event, services.clock.now(), learnt=False)
