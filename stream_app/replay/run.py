"""One replay, whichever it is: into an empty database from the log, over a full one from its stored records."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from schemas.topics import NEWS, PRICES
from stream_app.contexts.computing import register_models
from stream_app.contexts.models import KnownModels, known_models
from stream_app.encoding import load_encoder
from stream_app.errors import UsageError
from stream_app.garbage import seldom_collected
from stream_app.replay import redefining
from stream_app.replay.from_log import Filled, LogReplay, begin_or_resume
from stream_app.replay.over_stored import Compared, Publish, StoredReplay, Triggers, stored_triggers
from stream_app.replay.redefining import Redefined
from stream_app.replay.telling import Told
from stream_app.services import Services
from stream_app.store import process_lock, progress, replays
from stream_app.store.database import connection
from stream_app.store.process_lock import ProcessLock
from stream_app.store.replays import Replay
from stream_app.store.trigger_queue import Days


@dataclass(frozen=True, slots=True)
class Asked:
    """What to replay: these days of these regions (none: of all), and what to publish (None: as is usual)."""

    regions: Sequence[str]
    days: Days
    publish: Publish | None


async def replay(services: Services, asked: Asked, told: Told) -> Filled | Compared:
    """Replay, and store and publish what comes of it. UsageError while another replay runs on this database."""
    async with _alone(services):
        publish = None if asked.publish is None else asked.publish is not Publish.NONE
        if (begun := await begin_or_resume(services, publish)) is not None:
            return await _fill(services, asked, begun, told)
        triggers = await stored_triggers(services, asked.regions, asked.days)
        models = _require(await register_models(services))
        return await StoredReplay(services, models).run(triggers, asked.publish or Publish.CHANGED, told)


async def diff(services: Services, asked: Asked, told: Told, *, redefined: bool) -> Compared:
    """What `replay`, or with `redefined` `recompute`, would change; nothing is written."""
    stored = await _stored(services, asked)
    if redefined:
        stored = await redefining.as_if_redefined(services, redefining.outdated(services, stored))
    async with connection(services.pool) as conn:
        models = _require(await known_models(conn, services.models))
    return await StoredReplay(services, models).diff(stored, told)


async def recompute(services: Services, asked: Asked) -> Redefined:
    """Make new triggers, with today's definitions, for the days that stand on others."""
    return await redefining.redefine(services, redefining.outdated(services, await _stored(services, asked)))


async def _fill(services: Services, asked: Asked, begun: Replay, told: Told) -> Filled:
    settings = services.settings
    encoder = await load_encoder(
        services.models.text.spec,
        settings.encode_token_budget,
        settings.encode_deadline_seconds,
        settings.text_device,
    )
    try:
        with seldom_collected():
            return await LogReplay(services, encoder, begun).run(asked.regions, asked.days, told)
    finally:
        encoder.close()


async def _stored(services: Services, asked: Asked) -> Triggers:
    async with connection(services.pool) as conn:
        await progress.check_prefix(conn, services.settings.topic_prefix, (PRICES.name, NEWS.name))
        if await replays.is_empty(conn) or await replays.unfinished(conn) is not None:
            raise UsageError("This database holds no whole history: run `stream-app replay` first, which fills it.")
    return await stored_triggers(services, asked.regions, asked.days)


def _require(models: KnownModels | None) -> KnownModels:
    if models is None:
        raise UsageError("No worker has run the news stage on this database yet: its text model is not known.")
    return models


@asynccontextmanager
async def _alone(services: Services) -> AsyncIterator[None]:
    async with connection(services.pool) as conn, process_lock.held(conn, ProcessLock.REPLAYING) as locked:
        if not locked:
            raise UsageError("Another replay runs on this database; wait for it, or stop it.")
        yield
