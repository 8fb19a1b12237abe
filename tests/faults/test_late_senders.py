"""Recipe R9 on the sending side: a worker is stopped with what it has stored and not sent, and another goes on.

What it would send when it wakes is older than what the other one has sent, so Kafka must refuse it.
"""

import datetime as dt
import signal

import pytest

from schemas import PriceClose, encode
from schemas.topics import PRICES
from stream_app.kafka.producing import Outgoing
from tests.faults.actions import note
from tests.faults.sending import close_regions, send_records
from tests.faults.settled import SETTLE_SECONDS, at_rest, settle_and_check, settled
from tests.faults.stream import Market
from tests.faults.test_lost_connections import MARK, terminate
from tests.faults.test_rebalances import stopped
from tests.faults.workers import Crew, Worker
from tests.integration.pipeline import Pipeline, until

REGION, INSTRUMENT = "US", "I000"
SECOND = f"2:{signal.SIGSTOP.name}"
"""When it publishes for the second time, it is connected already: what it has in hand is sent as soon as it wakes."""
REVISIONS = "SELECT max(revision) FROM joint_embedding_revisions WHERE region = $1 AND as_of_date = $2"
OVERTAKEN = "has another writer"
"""What a worker logs when Kafka has refused what it sent."""


async def test_a_worker_that_wakes_with_a_context_that_another_has_revised_does_not_bring_it_back(
    path: Pipeline, workers: Crew, fresh_database: str, seed: int
) -> None:
    """Postgres, which would give it up after a minute, has lost it at once, as when it fails over."""
    parts = Market(seed, path.settings.topic_prefix, instruments=20, days=70, articles=60).slices(2)
    marked = f"{path.endpoints.database_url}?application_name={MARK}"
    asleep = workers.start("contexts", failpoint=f"contexts-unpublished:{SECOND}", DATABASE_URL=marked)
    workers.start("prices")
    workers.start("news")
    for part in parts:
        await send_records(path, part)
    await path.applied()
    day = parts[0].closing
    await path.close(REGION, day)
    await revised(path, workers, day, 0)
    await correct(path, day, 12.5)
    await stopped(asleep)
    in_hand = await path.value(REVISIONS, REGION, day)
    assert await terminate(path) > 0
    workers.start("contexts")
    await correct(path, day, 13.5)
    await revised(path, workers, day, in_hand)
    asleep.send(signal.SIGCONT)
    await refused(workers, asleep)
    for part in parts:
        await close_regions(path, part)
    await settle_and_check(path, workers, replay_into=fresh_database)


@pytest.mark.whole
async def test_a_worker_that_wakes_with_windows_that_another_has_corrected_does_not_bring_them_back(
    path: Pipeline, workers: Crew, fresh_database: str, seed: int
) -> None:
    parts = Market(seed, path.settings.topic_prefix, instruments=20, days=70, articles=60).slices(2)
    first = workers.start("prices")
    workers.start("news")
    workers.start("contexts")
    for part in parts:
        await send_records(path, part)
    await at_rest(path, workers)
    await first.kill()
    asleep = workers.start("prices", failpoint=f"after-commit:1:{signal.SIGSTOP.name}")
    day = parts[-1].closing
    await correct(path, day, 12.5)
    await stopped(asleep)
    workers.start("prices")
    await correct(path, day, 13.5)
    await at_rest(path, workers)
    asleep.send(signal.SIGCONT)
    await refused(workers, asleep)
    for part in parts:
        await close_regions(path, part)
    await settle_and_check(path, workers, replay_into=fresh_database)


async def refused(workers: Crew, asleep: Worker) -> None:
    """Wait until Kafka has refused what a worker had in hand."""

    async def is_refused() -> bool:
        workers.check()
        return OVERTAKEN in asleep.log.read_text(encoding="utf-8")

    await until(is_refused, "Kafka refuses what the worker had in hand", SETTLE_SECONDS)


async def correct(path: Pipeline, day: dt.date, close: float) -> None:
    """Send another close of the day than any that the market has."""
    note(f"correct {INSTRUMENT} of {day} to {close}")
    event = PriceClose(instrument_id=INSTRUMENT, trade_date=day, close=close, volume=1.0)
    await path.services.publisher.publish(
        [Outgoing(path.services.topic(PRICES.name), INSTRUMENT.encode(), encode(event))]
    )


async def revised(path: Pipeline, workers: Crew, day: dt.date, after: int) -> None:
    """Wait until nothing is left to be done and the day has a later revision."""

    async def is_revised() -> bool:
        workers.check()
        return (await path.value(REVISIONS, REGION, day) or 0) > after and await settled(path)

    await until(is_revised, f"a revision of {day} after {after} is published", SETTLE_SECONDS)
