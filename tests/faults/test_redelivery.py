"""Recipe R4: records that come several times, and a consumer group that reads again what was applied long ago."""

import datetime as dt
import random
import signal
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import encode
from schemas.topics import NEWS, TEXT
from stream_app.kafka.producing import Outgoing
from tests.faults.actions import note
from tests.faults.observed import STAGE_TOPICS, Observed, but_for_times
from tests.faults.sending import send
from tests.faults.settled import copies, ends, settle_and_check
from tests.faults.stream import Market, Slice, repeated
from tests.faults.workers import STAGES, Crew
from tests.integration.pipeline import Pipeline, article
from tests.models_file import DEFAULT

NEVER_REWOUND = 0.2
"""Of the partitions but the longest."""


def records_sent_again(observed: Observed) -> int:
    """How many input records are copies of one that came before."""
    all_of_them = [(topic, r.key, r.value) for topic in STAGE_TOPICS.values() for r in observed.logs[topic]]
    return len(all_of_them) - len(set(all_of_them))


async def test_records_that_come_up_to_three_times_have_the_effect_of_the_newest_in_every_joint_model(
    path: Pipeline, default_workers: Crew, fresh_database: str, seed: int
) -> None:
    drawn = random.Random(seed)
    for stage in STAGES:
        default_workers.start(stage)
    sent = 0
    for part in Market(seed, path.settings.topic_prefix, instruments=12, days=70, articles=60).slices(3):
        records = [*part.records, of_the_day(path, part)]
        sent += len(records)
        await send(path, replace(part, records=repeated(records, drawn)))
    observed = await settle_and_check(path, default_workers, replay_into=fresh_database)
    assert records_sent_again(observed) > sent / 2
    assert {row["model_id"] for row in observed.tables["joint_embeddings"]} == set(DEFAULT)


def of_the_day(path: Pipeline, part: Slice) -> Outgoing:
    """An article that counts on the slice's day, so that there is a context with a vector, whatever is drawn."""
    noon = dt.datetime.combine(part.closing, dt.time(12), dt.UTC)
    event = article(f"noon-{part.closing}", noon, f"News of {part.closing}.")
    return Outgoing(path.services.topic(NEWS.name), event.article_id.encode(), encode(event))


@pytest.mark.whole
async def test_a_group_rewound_on_a_full_database_changes_nothing_that_is_stored(
    path: Pipeline, workers: Crew, fresh_database: str, seed: int
) -> None:
    drawn = random.Random(seed)
    for stage in STAGES:
        workers.start(stage)
    *before, after = Market(seed, path.settings.topic_prefix, instruments=12, days=70, articles=60).slices(3)
    for part in before:
        await send(path, part)
    once = await settle_and_check(path, workers)
    for worker in workers.workers:
        worker.send(signal.SIGTERM)
    assert {await worker.ended() for worker in workers.workers} == {0}
    for stage in STAGES:
        await rewind(path, stage, drawn)
    for stage in STAGES:
        workers.start(stage)
    twice = await settle_and_check(path, workers)
    assert copies(twice, TEXT) > copies(once, TEXT), "nothing was delivered again"
    assert but_for_times(twice.tables) == but_for_times(once.tables)
    await send(path, after)
    await settle_and_check(path, workers, replay_into=fresh_database)


async def rewind(path: Pipeline, stage: str, drawn: random.Random) -> None:
    """Set what the stage's group has committed back, by any number of records; the group must have no member.

    The longest partition is read again from its start, so that something is, whatever is drawn.
    """
    topic = STAGE_TOPICS[stage]
    of_partitions = await ends(path, topic)
    longest = max(of_partitions, key=lambda partition: of_partitions[partition])
    offsets = {
        TopicPartition(path.services.topic(topic), partition): 0 if partition == longest else drawn.randint(0, end)
        for partition, end in of_partitions.items()
        if partition == longest or drawn.random() > NEVER_REWOUND
    }
    note(f"rewind {stage} to {sorted((tp.partition, offset) for tp, offset in offsets.items())}")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=path.endpoints.kafka.servers,
        group_id=f"{path.settings.topic_prefix}{stage}",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
    finally:
        await consumer.stop()
