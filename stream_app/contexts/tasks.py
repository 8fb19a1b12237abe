"""What the contexts stage does beside reading its topic: closing days and computing their contexts."""

import asyncio
import logging

from stream_app.contexts.closer import Closer
from stream_app.contexts.computing import Computing, register_models
from stream_app.contexts.models import KnownModels
from stream_app.errors import Retriable
from stream_app.outage import say_waiting
from stream_app.services import Services
from stream_app.store import revisions
from stream_app.store.database import connection, transaction
from stream_app.store.signals import Signal, listening
from stream_app.store.trigger_queue import go_live

AWAY_SECONDS = 2.0

log = logging.getLogger(__name__)


async def close_and_amend(services: Services) -> None:
    """Run the closer's pass every `closer_poll_seconds`, for ever."""
    closer = Closer(services)
    live = False
    while True:
        try:
            if not live:
                async with transaction(services.pool) as conn:
                    await go_live(conn, list(services.regions), services.clock.now())
                live = True
            await closer.run_once()
            await asyncio.sleep(services.settings.closer_poll_seconds)
        except Retriable as error:
            say_waiting(log, "closing waits", error)
            await asyncio.sleep(AWAY_SECONDS)


async def compute(services: Services) -> None:
    """Compute and publish whatever waits, at each signal and every `compute_poll_seconds`, for ever."""
    while True:
        try:
            await _compute_while_connected(services)
        except Retriable as error:
            say_waiting(log, "computing waits", error)
            await asyncio.sleep(AWAY_SECONDS)


async def _compute_while_connected(services: Services) -> None:
    signal = Signal()
    async with listening(services.database_url, signal) as listener:
        computing = Computing(services, await _registered_models(services))
        while not listener.is_closed():
            if not await computing.work():
                await signal.wait(services.settings.compute_poll_seconds)


async def _registered_models(services: Services) -> KnownModels:
    """The models of contexts, once a news stage has registered the text model."""
    said = False
    while (found := await register_models(services)) is None:
        if not said:
            log.info("waiting for a news stage to register the text model %s", services.models.text.model_id)
            said = True
        await asyncio.sleep(services.settings.compute_poll_seconds)
    await _say_what_differs(services)
    return found


async def _say_what_differs(services: Services) -> None:
    """Say which models came into use, or went out of it, since days were computed."""
    in_use = [model.model_id for model in services.models.joint]
    async with connection(services.pool) as conn:
        lacking = {model_id: await revisions.days_without(conn, model_id) for model_id in in_use}
        left = await revisions.models_beside(conn, in_use)
    for model_id, days in lacking.items():
        if days:
            log.info("%d days were computed without %s: `stream-app replay` computes it for them", days, model_id)
    for model_id in left:
        log.info("contexts of %s stay as they are: to go on with them, name it in joint_models", model_id)
