"""Recipe R1 for dead letters that are sent again: the command and workers die between any two steps."""

import asyncio
import os
import signal
import sys

import pytest

from schemas.topics import NEWS, PRICES
from stream_app.failpoints import VARIABLE as FAILPOINT
from tests.faults.actions import note
from tests.faults.settled import ends, settle_and_check
from tests.faults.stream import Market
from tests.faults.workers import STAGES, Crew
from tests.integration.pipeline import Pipeline

COMMAND = ("dead-letters", "requeue", "--all")
LETTERS = "SELECT count(*) FROM dead_letters WHERE topic = ANY($1::text[])"
WAITING = f"{LETTERS} AND requeued_at IS NULL AND discarded_at IS NULL"
SENT_AGAIN = f"{LETTERS} AND origin_offset IS NOT NULL"


async def requeue(path: Pipeline, failpoint: str | None = None) -> int:
    """Run the command; its exit code."""
    settings = {
        "STREAM_APP_KAFKA_URL": path.endpoints.kafka.servers,
        "STREAM_APP_DATABASE_URL": path.endpoints.database_url,
        "STREAM_APP_TOPIC_PREFIX": path.settings.topic_prefix,
    }
    if failpoint is not None:
        settings[FAILPOINT] = failpoint
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "stream_app", *COMMAND, env=os.environ | settings, stdout=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


async def records(path: Pipeline) -> int:
    """How many records both inputs hold."""
    prices, news = await ends(path, PRICES.name), await ends(path, NEWS.name)
    return sum(prices.values()) + sum(news.values())


@pytest.mark.whole
async def test_death_of_the_command_and_of_the_workers_while_letters_are_sent_again_loses_nothing(
    path: Pipeline, workers: Crew, fresh_database: str, seed: int
) -> None:
    topics = [path.services.topic(name) for name in (PRICES.name, NEWS.name)]
    [part] = Market(seed, path.settings.topic_prefix, instruments=8, days=66, articles=60).slices(1)
    for stage in STAGES:
        workers.start(stage)
    await path.services.publisher.publish(part.records)
    for topic in (PRICES.name, NEWS.name):
        await path.send_raw(topic, 0, *[(b"I000", b"no json %d" % number) for number in range(15)])
    await path.close("US", part.closing)
    await settle_and_check(path, workers)
    for stage in ("prices", "news"):
        await workers.running(stage)[0].kill()
    letters, before = await path.value(LETTERS, topics), await records(path)
    assert letters >= 30

    assert await requeue(path, failpoint="letters-sent") == -signal.SIGKILL
    note("the requeue command was killed at letters-sent", kills=1)
    assert await records(path) == before + letters, "it died after it had sent"
    assert await path.value(WAITING, topics) == letters, "it died before it had marked"
    assert await requeue(path) == 0
    assert await records(path) == before + letters, "nothing is sent twice"
    assert await path.value(WAITING, topics) == 0

    for stage in ("prices", "news"):
        doomed = workers.start(stage, failpoint="in-transaction")
        await doomed.killed("at in-transaction")
        workers.start(stage)
    await settle_and_check(path, workers, replay_into=fresh_database)
    assert await path.value(SENT_AGAIN, topics) == await path.value(WAITING, topics) == letters
