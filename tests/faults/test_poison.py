"""Recipe R6: records of every bad kind while workers are killed; each is one dead letter and nothing else is lost."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from schemas.topics import NEWS, PRICES
from tests.faults.observed import STAGE_TOPICS
from tests.faults.poison import POISON, Sent, of_market, poisoned, send
from tests.faults.settled import SETTLE_SECONDS, in_flight, nothing_is_ahead, settle_and_check
from tests.faults.stream import REGION_NAMES, Market
from tests.faults.workers import Crew, crew
from tests.integration.pipeline import Pipeline, until

PARTITIONS = 2
IN_A_ROW = 100
SHARE = 0.3
KINDS = {topic: [kind for kind in POISON if kind.topic == topic] for topic in (PRICES.name, NEWS.name)}

Arrangement = Callable[[Sequence[Sent], random.Random], list[Sent]]


@pytest.fixture
def partitions() -> int:
    """Fewer, so that each holds a run of records."""
    return PARTITIONS


@pytest.fixture
def workers(path: Pipeline, text_model: Path, regions_file: Path, tmp_path: Path) -> Iterator[Crew]:
    """Worker processes on the same topics and database."""
    with crew(path, text_model, regions_file, tmp_path, CHUNK_RECORDS="20", MAX_REJECTED_RATIO="1") as made:
        yield made


def runs(good: Sequence[Sent], drawn: random.Random, length: int) -> list[Sent]:
    """A run of each kind in one partition, each run somewhere between the good records."""
    starts = dict(zip(drawn.sample(range(len(good)), len(POISON)), POISON, strict=True))
    sent: list[Sent] = []
    for index, record in enumerate(good):
        sent.append(record)
        if (kind := starts.get(index)) is not None:
            partition = drawn.randrange(PARTITIONS)
            sent += [poisoned(kind, number, partition) for number in range(length)]
    return sent


def one_of_each(good: Sequence[Sent], drawn: random.Random) -> list[Sent]:
    """Every kind once."""
    return runs(good, drawn, 1)


def a_hundred_in_a_row(good: Sequence[Sent], drawn: random.Random) -> list[Sent]:
    """Every kind a hundred times in a row."""
    return runs(good, drawn, IN_A_ROW)


def thirty_per_cent(good: Sequence[Sent], drawn: random.Random) -> list[Sent]:
    """Of all records three in ten are bad, of all kinds of their topic by turns, anywhere between the good ones."""
    sent: list[Sent] = []
    numbers: Counter[str] = Counter()
    for record in good:
        sent.append(record)
        while drawn.random() < SHARE:
            number, kinds = numbers[record.topic], KINDS[record.topic]
            sent.append(poisoned(kinds[number % len(kinds)], number, drawn.randrange(PARTITIONS)))
            numbers[record.topic] += 1
    return sent


async def kill_in_the_middle(path: Pipeline, workers: Crew, stage: str, drawn: random.Random) -> None:
    """kill -9 the stage's worker while a random part of what is on its topic is applied; start another one."""
    topic = STAGE_TOPICS[stage]
    enough = await in_flight(path, topic) * drawn.uniform(0.6, 0.9)

    async def some_is_done() -> bool:
        workers.check()
        return await in_flight(path, topic) < enough

    await until(some_is_done, f"{stage} has begun", SETTLE_SECONDS)
    await workers.running(stage)[0].kill()
    assert await in_flight(path, topic) > 0, f"nothing was in flight when {stage} was killed"
    await nothing_is_ahead(path)
    workers.start(stage)


@pytest.mark.parametrize(
    "arrangement",
    [one_of_each, *(pytest.param(each, marks=pytest.mark.whole) for each in (a_hundred_in_a_row, thirty_per_cent))],
    ids=lambda arrangement: arrangement.__name__,
)
async def test_each_bad_record_is_one_dead_letter_and_no_other_is_lost_while_workers_are_killed(
    path: Pipeline, workers: Crew, fresh_database: str, seed: int, arrangement: Arrangement
) -> None:
    drawn, prefix = random.Random(seed), path.settings.topic_prefix
    (part,) = Market(seed, prefix, instruments=12, days=66, articles=300).slices(1)
    sent = arrangement([of_market(record, prefix, PARTITIONS) for record in part.records], drawn)
    await send(path, sent)
    for region in REGION_NAMES:
        await path.close(region, part.closing)
    workers.start("contexts")
    for stage in ("prices", "news"):
        workers.start(stage)
        await kill_in_the_middle(path, workers, stage, drawn)
    await settle_and_check(path, workers, replay_into=fresh_database)

    bad = Counter((x.topic, x.key, x.value, x.kind.reason) for x in sent if x.kind is not None)
    rows = await path.fetch("SELECT topic, key, value, reason FROM dead_letters")
    letters = Counter((row["topic"].removeprefix(prefix), row["key"], row["value"], row["reason"]) for row in rows)
    assert {name: number for name, number in letters.items() if name in bad} == bad
    assert {str(x.kind) for x in sent if x.kind is not None} == set(map(str, POISON))
