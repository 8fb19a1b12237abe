"""What becomes of dead letters: which still wait, and which were sent again or discarded.

A letter's name is its record's place: topic, log epoch, partition and offset. That a letter was sent again is noted by
whoever sent it and once more when its record comes back, so that the log alone is enough to know it.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas import OriginPosition
from stream_app.store.database import Connection
from stream_app.store.dead_letters import COLUMNS, Letter, from_row, time_ms

WAITS = "requeued_at IS NULL AND discarded_at IS NULL"
CHOSEN = f"""
    topic = ANY($1::text[]) AND ($2::text[] IS NULL OR reason = ANY($2::text[]))
        AND ($3::bigint IS NULL OR log_timestamp_ms >= $3) AND ($4::bigint IS NULL OR log_timestamp_ms < $4)
        AND ($5::text[] IS NULL OR (topic, log_epoch, partition, log_offset) IN (
            SELECT * FROM unnest($5::text[], $6::int[], $7::int[], $8::bigint[])))
        AND ($9 OR {WAITS})
"""
NAME = "topic, log_epoch, partition, log_offset"
STATE = """
    CASE WHEN requeued_at IS NOT NULL THEN 'requeued' WHEN discarded_at IS NOT NULL THEN 'discarded' ELSE 'waits' END
"""
LIST = f"""
    SELECT {NAME}, log_timestamp_ms, reason, left(error, 500) AS error, octet_length(value) AS bytes, {STATE} AS state,
        substring(value FOR 256) AS beginning
    FROM dead_letters
    WHERE {CHOSEN} AND ($11::bigint IS NULL OR (log_timestamp_ms, {NAME}) < ($11, $12, $13, $14, $15))
    ORDER BY log_timestamp_ms DESC, {", ".join(f"{part} DESC" for part in NAME.split(", "))} LIMIT $10
"""
COUNTS = f"""
    SELECT topic, reason, count(*) AS letters FROM dead_letters WHERE {CHOSEN} GROUP BY topic, reason
"""
# Without the bytes, which may be many: these say how many letters are read at a time.
NEXT = f"""
    SELECT {NAME}, coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) AS bytes
    FROM dead_letters WHERE {CHOSEN} AND created_at <= $10 AND ({NAME}) > ($11, $12, $13, $14)
    ORDER BY {NAME} LIMIT $15
"""
_NAMED = "unnest($1::text[], $2::int[], $3::int[], $4::bigint[])"
_OF_NAMED = f"({NAME}) IN (SELECT * FROM {_NAMED})"
RECENT_REASONS = """
    SELECT reason, count(*) AS letters
    FROM (SELECT reason FROM dead_letters WHERE topic = $1 ORDER BY log_timestamp_ms DESC LIMIT $2) AS newest
    GROUP BY reason ORDER BY letters DESC, reason
"""
READ = f"SELECT {COLUMNS}, {STATE} AS state FROM dead_letters WHERE {_OF_NAMED} ORDER BY {NAME}"
# Locked in the order in which a stage marks what comes back meanwhile; what the stage has noted stays.
MARK_REQUEUED = f"""
    WITH locked AS (SELECT {NAME} FROM dead_letters WHERE {_OF_NAMED} ORDER BY {NAME} FOR UPDATE)
    UPDATE dead_letters SET requeued_at = coalesce(requeued_at, now()) WHERE ({NAME}) IN (SELECT {NAME} FROM locked)
"""
DISCARD = f"UPDATE dead_letters SET discarded_at = now() WHERE {CHOSEN}"


_RETURNED = """
    WITH last AS (
        SELECT d.log_epoch, d.partition, d.log_offset, max(came.at) AS at
        FROM unnest($2::int[], $3::int[], $4::bigint[], $5::int[], $6::bigint[], $7::timestamptz[])
            AS came (epoch, partition, log_offset, own_epoch, own_offset, at)
        JOIN dead_letters d ON d.topic = $1
            AND d.{epoch} = came.epoch AND d.{partition} = came.partition AND d.{offset} = came.log_offset
        WHERE (d.log_epoch, d.log_offset) < (came.own_epoch, came.own_offset)
        GROUP BY d.log_epoch, d.partition, d.log_offset
    )
    UPDATE dead_letters d SET requeued_at = last.at FROM last
    WHERE d.topic = $1 AND d.log_epoch = last.log_epoch AND d.partition = last.partition
        AND d.log_offset = last.log_offset
"""
"""The time at which the last copy came, in each letter of an earlier one whose place stands in these columns."""
RETURNED = (
    _RETURNED.format(epoch="log_epoch", partition="partition", offset="log_offset"),
    _RETURNED.format(epoch="origin_epoch", partition="origin_partition", offset="origin_offset"),
)
"""For the first letter of a record, and for those of copies that were rejected again."""


class State(StrEnum):
    """What became of a letter."""

    WAITS = "waits"
    REQUEUED = "requeued"
    DISCARDED = "discarded"


@dataclass(frozen=True, order=True, slots=True)
class LetterName:
    """Which letter: its record's place, the topic as it is on the wire."""

    topic: str
    log_epoch: int
    partition: int
    offset: int


FIRST = LetterName("", 0, 0, 0)
"""Before every name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters: of these topics (on the wire), these reasons, received from `since` and before `until`, or these.

    None means no bound. Without `handled`, those alone that still wait.
    """

    topics: Sequence[str]
    reasons: Sequence[str] | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    names: Sequence[LetterName] | None = None
    handled: bool = False

    def parameters(self) -> tuple[object, ...]:
        """The values for the placeholders of CHOSEN."""
        since, until = (None if at is None else time_ms(at) for at in (self.since, self.until))
        names = [None] * 4 if self.names is None else _columns(self.names)
        reasons = None if self.reasons is None else list(self.reasons)
        return list(self.topics), reasons, since, until, *names, self.handled


@dataclass(frozen=True, slots=True)
class ListedLetter:
    """A letter with the beginning of its value, of which there are `value_bytes` (None: the record had no value)."""

    name: LetterName
    timestamp_ms: int
    reason: str
    error: str
    value_bytes: int | None
    state: State
    beginning: bytes | None
    """At most 256 bytes."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A letter's name, and the bytes of its key and value."""

    name: LetterName
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Returned:
    """A record that was sent again has come: where it first stood, where it stands, and its Kafka time."""

    origin: OriginPosition
    log_epoch: int
    offset: int
    at: dt.datetime


async def newest(
    connection: Connection, choice: Choice, limit: int, before: tuple[int, LetterName] | None = None
) -> list[ListedLetter]:
    """The chosen letters that were received last, so many at most, newest last.

    With `before`, a time in milliseconds and a name, the last ones before the letter of these.
    """
    bound = [None] * 5 if before is None else [before[0], *_columns_of(before[1])]
    rows = await connection.fetch(LIST, *choice.parameters(), limit, *bound)
    return [
        ListedLetter(
            LetterName(*row[:4]),
            row["log_timestamp_ms"],
            row["reason"],
            row["error"],
            row["bytes"],
            State(row["state"]),
            row["beginning"],
        )
        for row in reversed(rows)
    ]


async def counts(connection: Connection, choice: Choice) -> dict[tuple[str, str], int]:
    """How many chosen letters there are of each topic and reason."""
    rows = await connection.fetch(COUNTS, *choice.parameters())
    return {(row["topic"], row["reason"]): row["letters"] for row in rows}


async def recent_reasons(connection: Connection, topic: str, letters: int) -> dict[str, int]:
    """How many of a topic's newest letters there are of each reason, the most frequent first."""
    rows = await connection.fetch(RECENT_REASONS, topic, letters)
    return {row["reason"]: row["letters"] for row in rows}


async def following(
    connection: Connection, choice: Choice, before: dt.datetime, after: LetterName, limit: int
) -> list[Sized]:
    """The chosen letters that were there at a time, by name, from the one after `after` on."""
    rows = await connection.fetch(NEXT, *choice.parameters(), before, *_columns_of(after), limit)
    return [Sized(LetterName(*row[:4]), row["bytes"]) for row in rows]


async def read(connection: Connection, names: Sequence[LetterName]) -> list[tuple[Letter, State]]:
    """Letters whole, by name; one that is not there is not in the result."""
    rows = await connection.fetch(READ, *_columns(names))
    return [(from_row(row), State(row["state"])) for row in rows]


async def mark_requeued(connection: Connection, names: Sequence[LetterName]) -> None:
    """Note that the records of these letters were sent again."""
    await connection.execute(MARK_REQUEUED, *_columns(names))


async def discard(connection: Connection, choice: Choice) -> int:
    """Note that nothing is to be done with the chosen letters; how many they are."""
    done: str = await connection.execute(DISCARD, *choice.parameters())
    return int(done.removeprefix("UPDATE "))


async def now(connection: Connection) -> dt.datetime:
    """The time by which the database dates its letters."""
    time: dt.datetime = await connection.fetchval("SELECT now()")
    return time


async def mark_returned(connection: Connection, topic: str, returned: Sequence[Returned]) -> None:
    """Note that records of a topic which were sent again have come: their letters wait no longer.

    So does no letter of an earlier copy that was rejected again; that of the newest copy counts.
    """
    if not returned:
        return
    in_order = sorted(returned, key=lambda each: (each.origin.log_epoch, each.origin.partition, each.origin.offset))
    columns = (
        [each.origin.log_epoch for each in in_order],
        [each.origin.partition for each in in_order],
        [each.origin.offset for each in in_order],
        [each.log_epoch for each in in_order],
        [each.offset for each in in_order],
        [each.at for each in in_order],
    )
    for statement in RETURNED:
        await connection.execute(statement, topic, *columns)


def _columns_of(name: LetterName) -> tuple[str, int, int, int]:
    return name.topic, name.log_epoch, name.partition, name.offset


def _columns(names: Sequence[LetterName]) -> list[list[object]]:
    return [list(column) for column in zip(*map(_columns_of, names), strict=True)] or [[], [], [], []]
