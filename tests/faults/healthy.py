"""A run without any fault and its replay, which the checker must accept, with all in it that a mutation can break."""

import datetime as dt
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from schemas import encode
from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.embedded import Endpoints
from stream_app.kafka.producing import Outgoing
from stream_app.replay.run import Asked, replay
from stream_app.store.trigger_queue import EVERY_DAY
from tests.faults.observed import Observed, observe
from tests.faults.settled import settled
from tests.faults.stream import LAST_DAY, REGION_NAMES, WINDOWS_PUBLISHED_DAYS, Market
from tests.integration.pipeline import Pipeline, article, close, pipeline, until
from tests.integration.replay.shown import Counted
from tests.integration.sent_again import sent_again
from tests.models_file import DEFAULT, fingerprint_of

SEED = 7
INSTRUMENTS, DAYS, ARTICLES, CLOSED_DAYS = 6, 66, 60, 4
DEADLINE_SECONDS = 300.0
QUICK = {"amend_interval_seconds": 0.2, "closer_poll_seconds": 0.2}
PUBLISHED = {"numeric_publish_max_age_days": WINDOWS_PUBLISHED_DAYS}


async def healthy_run(
    endpoints: Endpoints, databases: tuple[str, str], text_model: Path, regions_file: Path
) -> Observed:
    """Prices and news with corrections, poison and requeued records, days closed in mid-stream; then all replayed.

    With the joint models that a worker computes where nothing is set.
    """
    models = {"text_model": str(text_model), "scaled_on": fingerprint_of(text_model), "joint_models": DEFAULT}
    settings: dict[str, Any] = {**models, "regions": regions_file, **QUICK, **PUBLISHED}
    live, fresh = databases
    async with pipeline(endpoints, live, "healthy.", **settings) as path:
        await path.send_raw(PRICES.name, 0, (b"I000", b"{"), (b"another key", encode(close("I000", LAST_DAY, 1.0))))
        path.start("prices", "news", "contexts")
        for part in Market(SEED, "healthy.", INSTRUMENTS, DAYS, ARTICLES).slices(CLOSED_DAYS):
            await path.services.publisher.publish(part.records)
            for region in REGION_NAMES:
                await path.close(region, part.closing)
        await until(partial(settled, path), "a healthy run ends", DEADLINE_SECONDS)
        await path.services.publisher.publish(await requeued(path))
        await until(partial(settled, path), "what was sent again is applied", DEADLINE_SECONDS)
        await path.stop()
        async with pipeline(endpoints, fresh, "healthy.", **settings) as again:
            await replay(again.services, Asked((), EVERY_DAY, None), Counted())
        return await observe(path, fresh)


async def requeued(path: Pipeline) -> list[Outgoing]:
    """Prices and articles as if they had stood where the dead letters are: for each one that is new and an older one.

    One record's header lies, and one is of a trigger, which is never sent again.
    """
    made: list[Outgoing] = []
    letters = await path.fetch("SELECT topic, partition, log_offset FROM dead_letters ORDER BY event_id")
    for number, letter in enumerate(letters):
        place = letter["partition"], letter["log_offset"]
        if letter["topic"].endswith(PRICES.name):
            name, saturday = f"I{number % INSTRUMENTS:03}", LAST_DAY + dt.timedelta(days=1)
            made += [await sent_again(path.services, close(name, day, 77.0), *place) for day in (LAST_DAY, saturday)]
        elif letter["topic"].endswith(NEWS.name):
            at = dt.datetime.combine(LAST_DAY, dt.time(number % 20), dt.UTC)
            texts = [article(f"{kind}{number:04}", at, f"Sent again {number}.") for kind in ("n", "new")]
            made += [await sent_again(path.services, text, *place) for text in texts]
    lie = replace(made[0], value=encode(close("I000", LAST_DAY, 1.0)), key=b"I000")
    trigger = (await path.read(DAY_CLOSES.name))[0]
    return [*made, lie, Outgoing(path.services.topic(DAY_CLOSES.name), trigger.key, trigger.value, headers=lie.headers)]
