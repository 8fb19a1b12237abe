"""How far each stage is behind its topic, and whether anybody reads it."""

import datetime as dt
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from stream_app.kafka import groups
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.groups import group_id
from stream_app.positions.adopting import STAGE_TOPICS
from stream_app.services import Services
from stream_app.status.facts import PartitionFacts, StageFacts
from stream_app.store import progress
from stream_app.store.database import connection
from stream_app.store.dead_letters import letter_time
from stream_app.store.progress import Standing

STILL_SECONDS = 60.0
"""A partition that has not moved for so long, though it is behind, is looked at more closely."""
LOOKED_AT_PARTITIONS = 3
"""Of a topic, those that have stood still longest."""


async def applied(services: Services) -> dict[str, list[Standing]]:
    """How far each stage's topic is applied, by stage. Raises Retriable while Postgres is away."""
    topics = {services.topic(topic): stage for stage, topic in STAGE_TOPICS.items()}
    found: dict[str, list[Standing]] = {stage: [] for stage in STAGE_TOPICS}
    async with connection(services.pool) as conn:
        for each in await progress.standing(conn, list(topics)):
            found[topics[each.topic]].append(each)
    return found


async def ends(services: Services) -> dict[str, tuple[int, ...]]:
    """Where each stage's topic ends, by stage and partition. Raises Retriable while Kafka is away."""
    return {stage: await services.log.end_offsets(services.topic(topic)) for stage, topic in STAGE_TOPICS.items()}


async def members(services: Services, kafka: KafkaAccess) -> dict[str, int]:
    """How many processes read, by stage. Raises Retriable while Kafka is away."""
    ids = {stage: group_id(services.settings.topic_prefix, stage) for stage in STAGE_TOPICS}
    counts = await groups.members(kafka, list(ids.values()))
    return {stage: counts[ids[stage]] for stage in STAGE_TOPICS}


def combined(
    of_applied: dict[str, list[Standing]] | None,
    of_ends: dict[str, tuple[int, ...]] | None,
    of_members: dict[str, int] | None,
) -> list[StageFacts]:
    """Every stage, from what could be learnt of Postgres and of Kafka (None: it is away)."""
    return [
        StageFacts(
            stage,
            topic,
            None if of_members is None else of_members[stage],
            _partitions(None if of_applied is None else of_applied[stage], None if of_ends is None else of_ends[stage]),
        )
        for stage, topic in STAGE_TOPICS.items()
    ]


def _partitions(standing: Sequence[Standing] | None, ends: Sequence[int] | None) -> list[PartitionFacts]:
    known = {each.partition: each for each in standing or ()}
    count = max(len(ends or ()), max(known, default=-1) + 1)
    found = []
    for number in range(count):
        each = known.get(number)
        end = None if ends is None or number >= len(ends) else ends[number]
        applied = None if each is None else each.next_offset
        found.append(PartitionFacts(number, applied, end, None if each is None else each.still_seconds))
    return found


async def with_oldest_records(services: Services, stages: Sequence[StageFacts]) -> list[StageFacts]:
    """The same, with since when the partitions wait that are behind and have not moved for long.

    A record that has only just come after a quiet hour is no sign of trouble; only its Kafka time tells that. Raises
    Retriable while Kafka is away.
    """
    return [replace(stage, partitions=await _looked_at(services, stage)) for stage in stages]


async def _looked_at(services: Services, stage: StageFacts) -> list[PartitionFacts]:
    still = sorted(filter(_stands_still, stage.partitions), key=lambda each: -(each.still_seconds or 0.0))
    chosen = {each.partition for each in still[:LOOKED_AT_PARTITIONS]}
    topic = services.topic(stage.topic)
    return [
        replace(each, oldest_at=await _oldest_at(services, topic, each)) if each.partition in chosen else each
        for each in stage.partitions
    ]


def _stands_still(partition: PartitionFacts) -> bool:
    return bool(partition.lag) and (partition.still_seconds or 0.0) > STILL_SECONDS


async def _oldest_at(services: Services, topic: str, partition: PartitionFacts) -> dt.datetime | None:
    """The Kafka time of the first record that is not applied; None where the log holds none."""
    start, end = partition.applied or 0, partition.end or 0
    start = max(start, (await services.log.start_offsets(topic))[partition.partition])
    async with aclosing(services.log.records(topic, partition.partition, start, end)) as batches:
        async for records in batches:
            return letter_time(records[0].timestamp)
    return None


async def stage_facts(services: Services, kafka: KafkaAccess) -> list[StageFacts]:
    """Every stage with lag and members. Raises Retriable while Postgres or Kafka is away."""
    stages = combined(await applied(services), await ends(services), await members(services, kafka))
    return await with_oldest_records(services, stages)
