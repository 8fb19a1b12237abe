"""How far each stage is behind its topic, and whether anybody reads it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import zip_longest

from stream_app.kafka import groups
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.groups import group_id
from stream_app.kafka.stages import AssignedLog
from stream_app.positions.adopting import STAGE_TOPICS
from stream_app.services import Services
from stream_app.status.facts import STILL_SECONDS, PartitionFacts, StageFacts
from stream_app.store import progress
from stream_app.store.database import connection
from stream_app.store.dead_letters import letter_time
from stream_app.store.progress import Standing

LOOKED_AT_PARTITIONS = 3
"""Of a topic, those that have stood still longest; of more it is not asked since when they wait."""

Applied = Mapping[str, Sequence[Standing]]
"""By stage how far its topic's partitions are applied, those that were ever seen."""
Logs = Mapping[str, Sequence[AssignedLog]]
"""By stage its topic's log, a partition each; a topic that the broker lacks is left out."""


async def applied(services: Services) -> Applied:
    """How far each stage's topic is applied. Raises Retriable while Postgres is away."""
    stages = {services.topic(topic): stage for stage, topic in STAGE_TOPICS.items()}
    found: dict[str, list[Standing]] = {stage: [] for stage in STAGE_TOPICS}
    async with connection(services.pool) as conn:
        for each in await progress.standing(conn, list(stages)):
            found[stages[each.progress.topic]].append(each)
    return found


async def logs(services: Services, missing: Sequence[str] = ()) -> Logs:
    """The logs of the stages' topics, without those `missing` (on the wire). Raises Retriable while Kafka is away."""
    found: dict[str, Sequence[AssignedLog]] = {}
    for stage, topic in {stage: services.topic(topic) for stage, topic in STAGE_TOPICS.items()}.items():
        if topic not in missing:
            starts, ends = await services.log.start_offsets(topic), await services.log.end_offsets(topic)
            found[stage] = [AssignedLog(None, *of_log) for of_log in zip(starts, ends, strict=True)]
    return found


async def members(services: Services, kafka: KafkaAccess) -> Mapping[str, int]:
    """How many processes read, by stage. Raises Retriable while Kafka is away."""
    ids = {stage: group_id(services.settings.topic_prefix, stage) for stage in STAGE_TOPICS}
    counts = await groups.members(kafka, list(ids.values()))
    return {stage: counts[ids[stage]] for stage in STAGE_TOPICS}


def combined(
    of_postgres: Applied | None, of_kafka: Logs | None, of_groups: Mapping[str, int] | None
) -> list[StageFacts]:
    """Every stage, from what could be learnt of Postgres and of Kafka (None: it is away)."""
    return [
        StageFacts(
            stage,
            topic,
            None if of_groups is None else of_groups[stage],
            _partitions(None if of_postgres is None else of_postgres[stage], (of_kafka or {}).get(stage, ())),
        )
        for stage, topic in STAGE_TOPICS.items()
    ]


def _partitions(standing: Sequence[Standing] | None, logs: Sequence[AssignedLog]) -> list[PartitionFacts]:
    known = {each.progress.partition: each for each in standing or ()}
    never_seen = None if standing is None else 0
    rows = [known.get(number) for number in range(max(known, default=-1) + 1)]
    return [
        PartitionFacts(
            number,
            never_seen if row is None else row.progress.next_offset,
            None if log is None else log.log_start,
            None if log is None else log.log_end,
            None if row is None else row.still_seconds,
        )
        for number, (row, log) in enumerate(zip_longest(rows, logs))
    ]


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
    start = max(partition.applied or 0, partition.start or 0)
    async with aclosing(services.log.records(topic, partition.partition, start, partition.end or 0)) as batches:
        async for records in batches:
            return letter_time(records[0].timestamp)
    return None
