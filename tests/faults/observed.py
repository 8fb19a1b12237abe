"""Everything that a run left behind, read once as plain data: the topics, the tables and the committed offsets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from schemas.topics import (
    CONTEXTS,
    CONTEXTS_LATEST,
    DAY_CLOSES,
    DEAD_LETTERS,
    NEWS,
    NUMERIC,
    PRICES,
    TEXT,
    TRANSITIONS,
)
from stream_app.store.database import connect
from tests.integration.pipeline import Pipeline

STAGE_TOPICS = {"prices": PRICES.name, "news": NEWS.name, "contexts": DAY_CLOSES.name}
TOPICS = (PRICES, NEWS, DAY_CLOSES, NUMERIC, TEXT, CONTEXTS, CONTEXTS_LATEST, TRANSITIONS, DEAD_LETTERS)
ORDERED_TABLES = {
    "prices_daily": "instrument_id, trade_date",
    "prices_history": "instrument_id, trade_date, log_offset",
    "news_articles": "article_id",
    "news_history": "article_id, log_offset",
    "numeric_window_embeddings": "entity_id, as_of_date, model_id",
    "text_vectors": "content_hash",
    "text_embeddings": "source_id",
    "day_triggers": "region, as_of, number",
    "joint_embedding_revisions": "sequence",
    "joint_embeddings": "region, as_of_date, model_id",
    "regimes": "region, as_of_date, model_id",
    "models": "model_id",
    "ingest_progress": "topic, partition",
    "dead_letters": "topic, partition, log_offset",
}

Tables = dict[str, list[dict[str, Any]]]
"""By name the rows of ORDERED_TABLES, every column."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic; `timestamp` in milliseconds."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(slots=True)
class Observed:
    """What was found. Topics are named without the prefix, vectors are pgvector's binary form."""

    prefix: str
    logs: dict[str, list[Record]]
    """By topic, each partition's records in offset order."""
    ends: dict[str, tuple[int, ...]]
    """By topic, the end offset of each partition."""
    tables: Tables
    committed: dict[tuple[str, int], int]
    """By (topic, partition), what the stage's consumer group has committed in Kafka."""
    windows_published_days: int
    """The setting `numeric_publish_max_age_days` of the run."""
    text_model: Path | None
    """The folder of the run's text model, where it is one of the test's own."""
    replayed: Tables | None
    """The tables of another database, into which the same log was replayed; None where that was not asked for."""


async def observe(path: Pipeline, replayed_url: str | None = None, *, by_groups: bool = True) -> Observed:
    """Read everything, also the database into which the log was replayed, if one is given. Nothing may be writing.

    Not `by_groups`: no stage ran as a consumer group and committed.
    """
    logs = {topic.name: [_record(record) for record in await path.read(topic.name)] for topic in TOPICS}
    ends = {topic.name: await path.services.log.end_offsets(path.services.topic(topic.name)) for topic in TOPICS}
    tables = await read_tables(path.endpoints.database_url)
    replayed = None if replayed_url is None else await read_tables(replayed_url)
    committed = await committed_offsets(path) if by_groups else {}
    published_days = path.settings.numeric_publish_max_age_days
    source = path.services.models.text.spec.source
    text_model = None if source is None else Path(source)
    return Observed(path.settings.topic_prefix, logs, ends, tables, committed, published_days, text_model, replayed)


async def read_tables(database_url: str) -> Tables:
    """Every row of a database."""
    connection = await connect(database_url)
    try:
        return {
            name: [dict(row) for row in await connection.fetch(f"SELECT * FROM {name} ORDER BY {order}")]
            for name, order in ORDERED_TABLES.items()
        }
    finally:
        await connection.close()


def but_for_times(tables: Tables) -> Tables:
    """The tables without when a partition's progress was last moved, or found to be where it is.

    Nor with how far embeddings.text was read, to whose end a news stage reads at each start.
    """
    inputs = [row for row in tables["ingest_progress"] if not row["topic"].endswith(TEXT.name)]
    return {**tables, "ingest_progress": [{**row, "updated_at": None} for row in inputs]}


async def committed_offsets(path: Pipeline) -> dict[tuple[str, int], int]:
    """What each stage's group has committed, by topic (without prefix) and partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=path.endpoints.kafka.servers)
    await admin.start()
    try:
        found: dict[tuple[str, int], int] = {}
        for stage, topic in STAGE_TOPICS.items():
            try:
                of_group: dict[TopicPartition, Any] = await admin.list_consumer_group_offsets(
                    f"{path.settings.topic_prefix}{stage}"
                )
            except GroupCoordinatorNotAvailableError:  # a broker that has just begun, before its first group
                continue
            found |= {(topic, tp.partition): meta.offset for tp, meta in of_group.items() if meta.offset >= 0}
        return found
    finally:
        await admin.close()


def _record(record: Any) -> Record:
    headers = tuple(record.headers)
    return Record(record.partition, record.offset, record.timestamp, record.key, record.value, headers)
