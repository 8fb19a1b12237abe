"""Recipes R2 and R3 for the whole worker: Postgres and Kafka are away at its start and later, and it goes on by itself.

A real `stream-app worker` on services of the test's own; what it says of itself is read at its health endpoint.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from stream_app.errors import Away
from tests.faults.conftest import StartWorker
from tests.faults.own_services import OwnServices
from tests.faults.sending import close_regions, in_hand, send
from tests.faults.settled import SETTLE_SECONDS, check_run, nothing_is_ahead, settled
from tests.faults.stream import Market
from tests.faults.whole_worker import WholeWorker
from tests.faults.workers import STAGES
from tests.integration.pipeline import Pipeline, pipeline, until

PARTITIONS = 2
SHORT_SECONDS = 5
LONG_SECONDS = 70
"""Longer than the session and than any request to the broker waits for its answer."""
UNNOTICED_SECONDS = 4
"""For which a stage with a chunk in hand may not ask anything of the broker."""
GONE, BACK, STILL_GONE = "does not answer, trying again until it does", "answers again after", "has not answered for"


@dataclass(frozen=True, slots=True)
class Absence:
    """How the broker goes, and for how long."""

    how: Literal["killed", "stopped"]
    seconds: int

    def __str__(self) -> str:
        return f"{self.how}-{self.seconds}s"


@pytest.fixture
async def path(own_services: OwnServices, regions_file: Path) -> AsyncIterator[Pipeline]:
    """What the test sends and reads, and no stage in this process."""
    at = own_services.endpoints
    async with pipeline(at, at.database_url, "", topic_partitions=PARTITIONS, regions=regions_file) as made:
        yield made


async def settle_and_check(path: Pipeline, running: WholeWorker) -> None:
    """Wait until nothing is left to be done; then the worker drains and every invariant must hold."""

    async def at_rest() -> bool:
        return await settled(path)

    await until(at_rest, "everything applied, computed, published and committed", SETTLE_SECONDS)
    await running.ends_with_0()
    await check_run(path)


def assert_told_once(running: WholeWorker, service: str, *processes: str) -> None:
    """Each of these processes, and no other, has said once that the service went, and once that it is back."""
    assert Counter(running.told(f"{service} {GONE}")) == Counter(processes)
    assert Counter(running.told(f"{service} {BACK}")) == Counter(processes)


def seconds_away(running: WholeWorker, service: str) -> list[int]:
    """For how long, as each process has said in the end, the service did not answer."""
    told = [re.match(rf"{service} {BACK} (\d+) s", event["message"]) for event in running.events()]
    return [int(match[1]) for match in told if match]


def of_no_outage(running: WholeWorker) -> list[str]:
    """The warnings and errors that tell of something else."""
    told = [event["message"] for event in running.events() if event["level"] not in ("DEBUG", "INFO")]
    return [message for message in told if GONE not in message and STILL_GONE not in message]


@pytest.mark.whole
@pytest.mark.parametrize("first", ["postgres", "kafka"])
async def test_a_worker_started_while_both_are_away_begins_when_they_are_there(
    own_services: OwnServices, path: Pipeline, start_worker: StartWorker, seed: int, first: str
) -> None:
    (part,) = Market(seed, "", instruments=8, days=66, articles=30).slices(1)
    await send(path, part)
    await own_services.stop(own_services.kafka)
    await own_services.stop(own_services.postgres)
    with start_worker() as running:
        await running.until_all_lack("postgres")
        if first == "postgres":
            await own_services.launch(own_services.postgres)
            await running.until_all_lack("kafka")
            await own_services.launch(own_services.kafka)
        else:
            await own_services.launch(own_services.kafka)
            await own_services.until_kafka_answers()
            await own_services.launch(own_services.postgres)
        await running.until_ready()
        await nothing_is_ahead(path)
        await settle_and_check(path, running)
    assert_told_once(running, "Postgres", "worker")
    assert_told_once(running, "Kafka", *(STAGES if first == "postgres" else ()))
    assert of_no_outage(running) == []


@pytest.mark.whole
async def test_a_crash_of_postgres_and_a_broker_away_in_mid_stream_lose_nothing(
    own_services: OwnServices, path: Pipeline, start_worker: StartWorker, seed: int
) -> None:
    parts = Market(seed, "", instruments=20, days=70, articles=60).slices(3)
    with start_worker() as running:
        await running.until_ready()
        await send(path, parts[0])
        with pytest.raises(Away):  # the connection that blocks is cut like those that hang
            async with in_hand(path, parts[1]):
                await own_services.crash_postgres()
        await running.until_all_lack("postgres")
        await own_services.launch(own_services.postgres)
        await running.until_ready()
        await nothing_is_ahead(path)
        await close_regions(path, parts[1])
        async with in_hand(path, parts[2]):
            await own_services.stop(own_services.kafka)
        await running.until_all_lack("kafka")
        await own_services.launch(own_services.kafka)
        await running.until_ready()
        await nothing_is_ahead(path)
        await close_regions(path, parts[2])
        await settle_and_check(path, running)
    for service in ("Postgres", "Kafka"):
        assert_told_once(running, service, *STAGES)


async def test_a_postgres_that_hangs_is_waited_for_and_nothing_is_lost(
    own_services: OwnServices, path: Pipeline, start_worker: StartWorker, seed: int
) -> None:
    parts = Market(seed, "", instruments=20, days=70, articles=60).slices(2)
    with start_worker() as running:
        await running.until_ready()
        await send(path, parts[0])
        async with in_hand(path, parts[1]):
            with own_services.postgres_hangs():
                await running.until_all_lack("postgres")
            await nothing_is_ahead(path)
        await running.until_ready()
        await nothing_is_ahead(path)
        await close_regions(path, parts[1])
        await settle_and_check(path, running)
    assert_told_once(running, "Postgres", *STAGES)
    assert of_no_outage(running) == []


@pytest.mark.parametrize(
    "absence",
    [
        Absence("killed", SHORT_SECONDS),
        pytest.param(Absence("stopped", SHORT_SECONDS), marks=pytest.mark.whole),
        pytest.param(Absence("killed", LONG_SECONDS), marks=pytest.mark.whole),
        pytest.param(Absence("stopped", LONG_SECONDS), marks=pytest.mark.whole),
    ],
    ids=str,
)
async def test_a_broker_away_for_a_time_with_work_in_hand_loses_nothing(
    own_services: OwnServices, path: Pipeline, start_worker: StartWorker, seed: int, absence: Absence
) -> None:
    parts = Market(seed, "", instruments=20, days=70, articles=60).slices(2)
    with start_worker() as running:
        await running.until_ready()
        await send(path, parts[0])
        async with in_hand(path, parts[1]):
            killed = absence.how == "killed"
            await (own_services.kill_kafka() if killed else own_services.stop(own_services.kafka))
        await asyncio.sleep(absence.seconds)
        await running.until_all_lack("kafka")
        await own_services.launch(own_services.kafka)
        await running.until_ready()
        await nothing_is_ahead(path)
        await close_regions(path, parts[1])
        await settle_and_check(path, running)
    assert_told_once(running, "Kafka", *STAGES)
    assert min(seconds_away(running, "Kafka")) >= absence.seconds - UNNOTICED_SECONDS
