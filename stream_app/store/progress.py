"""Progress is the fence: a chunk's transaction begins by moving its partition on from where the caches were filled."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from schemas import TopicCut
from stream_app.errors import Fatal, FenceLost
from stream_app.store.database import Connection

FIRST_EPOCH = 1

LOAD = "SELECT * FROM ingest_progress WHERE topic = $1 AND partition = ANY($2::int[])"
FORGET = "DELETE FROM ingest_progress WHERE topic = $1"
OF_TOPIC = "SELECT * FROM ingest_progress WHERE topic = $1 ORDER BY partition"
CREATE = """
    INSERT INTO ingest_progress (topic, partition, log_epoch, next_offset, partitions, keys_moved)
    SELECT $1::text, $2::int, coalesce(max(log_epoch), $3), $4::bigint, $5::int, coalesce(bool_or(keys_moved), false)
    FROM ingest_progress WHERE topic = $1
    ON CONFLICT DO NOTHING
"""
# It waits for the open chunks of every partition; whoever began one before has lost the fence after it.
MOVE_KEYS = """
    UPDATE ingest_progress SET keys_moved = true
    WHERE topic = $1 AND NOT keys_moved
        AND EXISTS (SELECT 1 FROM ingest_progress WHERE topic = $1 AND partitions < $2)
"""
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
MOVE_ON = """
    UPDATE ingest_progress
    SET next_offset = $5, last_offset = $6, last_timestamp_ms = $7, last_checksum = $8, position_ms = $9,
        rejected_in_a_row = $10, recent_records = $11, recent_rejected = $12, earlier_records = $13,
        earlier_rejected = $14, updated_at = now()
    WHERE topic = $1 AND partition = $2 AND log_epoch = $3 AND next_offset = $4 AND keys_moved = $15
"""
PASS_IDLE = """
    UPDATE ingest_progress SET next_offset = $4, updated_at = now()
    WHERE topic = $1 AND partition = $2 AND log_epoch = $5 AND next_offset = $3 AND next_offset < $4
"""
LOCK_TOPICS = "SELECT 1 FROM ingest_progress WHERE topic = ANY($1::text[]) ORDER BY topic, partition FOR SHARE"
OF_TOPICS = "SELECT topic, partition, log_epoch, next_offset FROM ingest_progress WHERE topic = ANY($1::text[])"
ENDED = "SELECT topic, partition, log_epoch, next_offset FROM ended_logs WHERE topic = ANY($1::text[])"
TOPICS = "SELECT DISTINCT topic FROM ingest_progress ORDER BY topic"
STANDING = """
    SELECT *, extract(epoch FROM now() - updated_at)::float8 AS still_seconds
    FROM ingest_progress WHERE topic = ANY($1::text[]) ORDER BY topic, partition
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a partition has been applied. `position_ms` is the newest position's timestamp, never falling.

    Of the records so far so many were rejected in a row, last of all, and of the recent ones and of those before them.
    `keys_moved`: the topic got more partitions, so that records of one key may lie in two of them.
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
    keys_moved: bool = False


class Reach(Enum):
    """Whether what a cut names has been applied."""

    WAITING = auto()
    REACHED = auto()
    NEVER = auto()
    """It names records of a log that ended before they were applied."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A partition that is applied up to the offset `applied`, below `until`, where it must be."""

    topic: str
    partition: int
    applied: int
    until: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a partition is applied, and for how long it has not moved, by the database's clock."""

    progress: Progress
    still_seconds: float


async def load(connection: Connection, topic: str, partitions: Collection[int]) -> dict[int, Progress]:
    """The stored progress by partition; a partition never seen is not in it."""
    return {row["partition"]: _from_row(row) for row in await connection.fetch(LOAD, topic, list(partitions))}


async def of_topic(connection: Connection, topic: str) -> list[Progress]:
    """The stored progress of every partition of a topic that was seen so far."""
    return [_from_row(row) for row in await connection.fetch(OF_TOPIC, topic)]


def _from_row(row: Any) -> Progress:
    return Progress(**{name: row[name] for name in Progress.__dataclass_fields__})


async def create(  # noqa: PLR0913, PLR0917 - what a row holds
    connection: Connection,
    topic: str,
    partition: int,
    next_offset: int,
    partitions: int | None = None,
    first_epoch: int = FIRST_EPOCH,
) -> None:
    """Insert the missing row of a partition that is seen for the first time, in its topic's epoch.

    `partitions` is how many the topic has now, where that matters, and `first_epoch` the epoch of a topic without rows.
    """
    await connection.execute(CREATE, topic, partition, first_epoch, next_offset, partitions)


async def forget(connection: Connection, topic: str) -> None:
    """Forget how far a topic was read, whose events may be stored any number of times."""
    await connection.execute(FORGET, topic)


async def move_keys(connection: Connection, topic: str, partitions: int) -> bool:
    """Note that the topic has more partitions now than when it was first read; False if it has not, or it is noted."""
    moved: str = await connection.execute(MOVE_KEYS, topic, partitions)
    return moved != "UPDATE 0"


async def one_at_a_time(connection: Connection, topic: str) -> None:
    """Wait until no other transaction that asked for this topic is open; what is read after that is what they left."""
    await connection.execute(ONE_AT_A_TIME, topic)


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
        was.keys_moved,
    )
    if moved != "UPDATE 1":
        raise FenceLost(f"{was.topic}[{was.partition}] is no longer at offset {was.next_offset}.")


async def pass_idle(connection: Connection, was: Progress, position: int) -> bool:
    """Move an idle partition over control records to the consumer's position; False if the fence refuses."""
    moved: str = await connection.execute(PASS_IDLE, was.topic, was.partition, was.next_offset, position, was.log_epoch)
    return moved == "UPDATE 1"


async def wait_for_open_chunks(connection: Connection, topics: Collection[str]) -> None:
    """Return once every chunk that is being applied to these topics has committed; new ones wait for our commit."""
    await connection.execute(LOCK_TOPICS, list(topics))


async def reached(connection: Connection, cut: Mapping[str, TopicCut]) -> bool:
    """Whether every partition has been applied up to the cut; a missing row counts as offset 0."""
    return await reach(connection, cut) is Reach.REACHED


async def reach(connection: Connection, cut: Mapping[str, TopicCut]) -> Reach:
    """Whether every partition has been applied up to the cut, or never will be, because the cut is of an ended log."""
    short, now = await _short_of(connection, cut)
    if any(cut[each.topic].epoch < now[each.topic] for each in short):
        return Reach.NEVER
    return Reach.WAITING if short or any(of.epoch > now[topic] for topic, of in cut.items()) else Reach.REACHED


async def behind(connection: Connection, cut: Mapping[str, TopicCut]) -> list[Behind]:
    """The partitions that are not applied up to the cut yet, by topic and partition."""
    return (await _short_of(connection, cut))[0]


async def _short_of(connection: Connection, cut: Mapping[str, TopicCut]) -> tuple[list[Behind], dict[str, int]]:
    """The partitions that are not applied up to the cut, each in the cut's epoch, and every topic's epoch now."""
    rows = await connection.fetch(OF_TOPICS, list(cut))
    now = _epochs(cut, rows)
    if any(of_topic.epoch < now[topic] for topic, of_topic in cut.items()):
        rows += await connection.fetch(ENDED, list(cut))
    at = {(row["topic"], row["log_epoch"], row["partition"]): row["next_offset"] for row in rows}
    short = [
        Behind(topic, partition, applied, offset)
        for topic, of_topic in sorted(cut.items())
        for partition, offset in enumerate(of_topic.offsets)
        if (applied := at.get((topic, of_topic.epoch, partition), 0)) < offset
    ]
    return short, now


async def epochs(connection: Connection, topics: Collection[str]) -> dict[str, int]:
    """The log epoch of each topic; the first one where nothing was read yet."""
    return _epochs(topics, await connection.fetch(OF_TOPICS, list(topics)))


def _epochs(topics: Collection[str], rows: Sequence[Any]) -> dict[str, int]:
    known = dict.fromkeys(topics, FIRST_EPOCH)
    for row in rows:
        known[row["topic"]] = max(known[row["topic"]], row["log_epoch"])
    return known


async def offsets(connection: Connection, topic: str) -> dict[int, int]:
    """The next offset by partition of one topic."""
    return {row["partition"]: row["next_offset"] for row in await connection.fetch(OF_TOPICS, [topic])}


async def standing(connection: Connection, topics: Collection[str]) -> list[Standing]:
    """How far these topics are applied, by topic and partition."""
    rows = await connection.fetch(STANDING, list(topics))
    return [Standing(_from_row(row), row["still_seconds"]) for row in rows]


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
