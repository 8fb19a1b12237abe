"""Looking at everything at once; a service that is away hides what only it knows, and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from schemas.topics import TOPICS
from stream_app.config import Settings
from stream_app.embedded import Endpoints
from stream_app.endpoints import NotRunning, find_database, find_kafka
from stream_app.errors import Retriable, StreamAppError
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.topics import missing_topics
from stream_app.positions.findings import Finding, gone_partition, of_offsets
from stream_app.services import Services, open_services
from stream_app.status import stages
from stream_app.status.facts import PipelineFacts, StageFacts, StoredFacts, Unanswered
from stream_app.status.stages import Applied, Logs
from stream_app.status.stored import stored_facts
from stream_app.store import migrate, progress
from stream_app.store.database import connection

LOOK_SECONDS = 10.0
"""How long each service may take to answer everything, where the caller does not say."""
NOWHERE = Endpoints(KafkaAccess(""), "")
"""What services are opened with of which the one in question is not asked."""

Place = TypeVar("Place")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Places:
    """How Kafka and the database are reached; of an embedded one that does not run, what is to be said of it."""

    kafka: KafkaAccess | Unanswered
    database_url: str | Unanswered = field(repr=False)


@dataclass(frozen=True, slots=True)
class _OfPostgres:
    applied: Applied
    stored: StoredFacts


@dataclass(frozen=True, slots=True)
class _OfKafka:
    missing: Sequence[str]
    logs: Logs
    members: Mapping[str, int]


def find_places(settings: Settings) -> Places:
    """Where each of the services is, whatever the other does. Raises UsageError for settings that cannot be."""
    return Places(_found(find_kafka, settings), _found(find_database, settings))


def _found(find: Callable[[Settings], Place], settings: Settings) -> Place | Unanswered:
    try:
        return find(settings)
    except NotRunning as error:
        return Unanswered(str(error), away=False)


async def look_by(settings: Settings, places: Places) -> PipelineFacts:
    """`look`, for a caller that has no services open."""
    kafka = NOWHERE.kafka if isinstance(places.kafka, Unanswered) else places.kafka
    database_url = NOWHERE.database_url if isinstance(places.database_url, Unanswered) else places.database_url
    async with open_services(settings, Endpoints(kafka, database_url)) as services:
        return await look(services, places)


async def look(services: Services, places: Places, seconds: float = LOOK_SECONDS) -> PipelineFacts:
    """Everything that can be learnt now; of a service that does not answer within so many seconds, why."""
    # in this order: a log that ends below what is applied is another one only if its end was read last
    of_postgres, no_postgres = await _asked("Postgres", places.database_url, lambda _: _of_postgres(services), seconds)
    of_kafka, no_kafka = await _asked("Kafka", places.kafka, lambda kafka: _of_kafka(services, kafka), seconds)
    return PipelineFacts(
        at=services.clock.now(),
        kafka=no_kafka,
        postgres=no_postgres,
        missing_topics=() if of_kafka is None else of_kafka.missing,
        stages=await _stages(services, places, of_postgres, of_kafka, seconds),
        logs=[] if of_postgres is None or of_kafka is None else findings(of_postgres.applied, of_kafka.logs),
        stored=None if of_postgres is None else of_postgres.stored,
    )


async def _asked(
    service: str, place: Place | Unanswered, question: Callable[[Place], Awaitable[Answer]], seconds: float
) -> tuple[Answer | None, Unanswered | None]:
    """The answer, or why there is none."""
    if isinstance(place, Unanswered):
        return None, place
    try:
        async with asyncio.timeout(seconds):
            return await question(place), None
    except StreamAppError as error:
        return None, Unanswered(str(error), isinstance(error, Retriable))
    except TimeoutError:
        return None, Unanswered(f"{service} has not answered within {seconds:.0f} s.", away=True)


async def _of_postgres(services: Services) -> _OfPostgres:
    await migrate.check(services.database_url)
    async with connection(services.pool) as conn:
        await progress.check_prefix(conn, services.settings.topic_prefix, [topic.name for topic in TOPICS])
    return _OfPostgres(await stages.applied(services), await stored_facts(services))


async def _of_kafka(services: Services, kafka: KafkaAccess) -> _OfKafka:
    missing = await missing_topics(kafka, services.settings.topic_prefix)
    return _OfKafka(missing, await stages.logs(services, missing), await stages.members(services, kafka))


async def _stages(
    services: Services, places: Places, of_postgres: _OfPostgres | None, of_kafka: _OfKafka | None, seconds: float
) -> Sequence[StageFacts]:
    found = stages.combined(
        None if of_postgres is None else of_postgres.applied,
        None if of_kafka is None else of_kafka.logs,
        None if of_kafka is None else of_kafka.members,
    )
    if of_postgres is None or of_kafka is None:
        return found
    looked_at, _ = await _asked("Kafka", places.kafka, lambda _: stages.with_oldest_records(services, found), seconds)
    return looked_at or found


def findings(applied: Applied, logs: Logs) -> list[Finding]:
    """What the offsets alone show of the logs; a worker looks closer, at the newest record that was applied."""
    found: list[Finding] = []
    for stage, of_topic in logs.items():
        for was in (each.progress for each in applied[stage]):
            if was.partition >= len(of_topic):
                found.append(gone_partition(was, len(of_topic)))
            elif (finding := of_offsets(was, of_topic[was.partition])) is not None:
                found.append(finding)
    return found
