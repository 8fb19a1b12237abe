"""Progress is the fence: a chunk's transaction begins by moving its partition on from where the caches were filled."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from schemas import TopicCut
from stream_app.errors import Fatal, FenceLost
from stream_app.store.database import Connection

FIRST_EPOCH = 1

LOAD = "SELECT * FROM ingest_progress WHERE topic = $1 AND partition = ANY($2::int[])"
CREATE = """
    INSERT INTO ingest_progress (topic, partition, log_epoch, next_offset)
    SELECT $1::text, $2::int, coalesce(max(log_epoch), $3), $4::bigint FROM ingest_progress WHERE topic = $1
    ON CONFLICT DO NOTHING
"""
MOVE_ON = """
    UPDATE ingest_progress
    SET next_offset = $5, last_offset = $6, last_timestamp_ms = $7, last_checksum = $8, position_ms = $9,
        rejected_in_a_row = $10, recent_records = $11, recent_rejected = $12, earlier_records = $13,
        earlier_rejected = $14, updated_at = now()
    WHERE topic = $1 AND partition = $2 AND log_epoch = $3 AND next_offset = $4
"""
PASS_IDLE = """
    UPDATE ingest_progress SET next_offset = $4, updated_at = now()
    WHERE topic = $1 AND partition = $2 AND next_offset = $3 AND next_offset < $4
"""
LOCK_TOPICS = "SELECT 1 FROM ingest_progress WHERE topic = ANY($1::text[]) ORDER BY topic, partition FOR SHARE"
OF_TOPICS = "SELECT topic, partition, log_epoch, next_offset FROM ingest_progress WHERE topic = ANY($1::text[])"
TOPICS = "SELECT DISTINCT topic FROM ingest_progress ORDER BY topic"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a partition has been applied. `position_ms` is the newest position's timestamp, never falling.

    Of the records so far so many were rejected in a row, last of all, and of the recent ones and of those before them.
    """

    topic: str
    partition: int
    log_epoch: int
    next_offset: int
    last_offset: int | None
    last_timestamp_ms: int
    last_checksum: int | None
    position_ms: int
    rejected_in_a_row: int = 0
    recent_records: int = 0
    recent_rejected: int = 0
    earlier_records: int = 0
    earlier_rejected: int = 0


async def load(connection: Connection, topic: str, partitions: Collection[int]) -> dict[int, Progress]:
    """The stored progress by partition; a partition never seen is not in it."""
    rows = await connection.fetch(LOAD, topic, list(partitions))
    names = tuple(Progress.__dataclass_fields__)
    return {row["partition"]: Progress(**{name: row[name] for name in names}) for row in rows}


async def create(connection: Connection, topic: str, partition: int, next_offset: int) -> None:
    """Insert the missing row of a partition that is seen for the first time, in its topic's epoch."""
    await connection.execute(CREATE, topic, partition, FIRST_EPOCH, next_offset)


async def move_on(connection: Connection, was: Progress, now: Progress) -> None:
    """The fence: the first statement of a chunk's transaction. FenceLost if another worker has moved it on."""
    moved = await connection.execute(
        MOVE_ON,
        was.topic,
        was.partition,
        was.log_epoch,
        was.next_offset,
        now.next_offset,
        now.last_offset,
        now.last_timestamp_ms,
        now.last_checksum,
        now.position_ms,
        now.rejected_in_a_row,
        now.recent_records,
        now.recent_rejected,
        now.earlier_records,
        now.earlier_rejected,
    )
    if moved != "UPDATE 1":
        raise FenceLost(f"{was.topic}[{was.partition}] is no longer at offset {was.next_offset}.")


async def pass_idle(connection: Connection, topic: str, partition: int, expected: int, position: int) -> bool:
    """Move an idle partition over control records to the consumer's position; False if the fence refuses."""
    moved: str = await connection.execute(PASS_IDLE, topic, partition, expected, position)
    return moved == "UPDATE 1"


async def wait_for_open_chunks(connection: Connection, topics: Collection[str]) -> None:
    """Return once every chunk that is being applied to these topics has committed; new ones wait for our commit."""
    await connection.execute(LOCK_TOPICS, list(topics))


async def reached(connection: Connection, cut: Mapping[str, TopicCut]) -> bool:
    """Whether every partition has been applied up to the cut; a missing row counts as offset 0."""
    rows = await connection.fetch(OF_TOPICS, list(cut))
    at = {(row["topic"], row["partition"]): (row["log_epoch"], row["next_offset"]) for row in rows}
    return all(
        at.get((topic, partition), (of_topic.epoch, 0)) >= (of_topic.epoch, offset)
        for topic, of_topic in cut.items()
        for partition, offset in enumerate(of_topic.offsets)
    )


async def epochs(connection: Connection, topics: Collection[str]) -> dict[str, int]:
    """The log epoch of each topic; the first one where nothing was read yet."""
    rows = await connection.fetch(OF_TOPICS, list(topics))
    known = dict.fromkeys(topics, FIRST_EPOCH)
    for row in rows:
        known[row["topic"]] = max(known[row["topic"]], row["log_epoch"])
    return known


async def offsets(connection: Connection, topic: str) -> dict[int, int]:
    """The next offset by partition of one topic."""
    return {row["partition"]: row["next_offset"] for row in await connection.fetch(OF_TOPICS, [topic])}


async def check_prefix(connection: Connection, prefix: str, names: Collection[str]) -> None:
    """Fatal when the database was filled from topics of another prefix.

    A row's place in the log names no topic, so rows of two logs would be held against each other's cuts.
    """
    stored = [row["topic"] for row in await connection.fetch(TOPICS)]
    for topic, name in ((topic, name) for topic in stored for name in names):
        if topic.endswith(name) and topic != prefix + name:
            raise Fatal(
                f"This database was filled from the topic {topic}, not from {prefix + name}: "
                "set topic_prefix as it was then, or use another database."
            )
