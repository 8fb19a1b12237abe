"""A replay of the log into an empty database: from where to where, and whether it has finished."""

from collections.abc import Mapping
from dataclasses import dataclass

from stream_app.errors import UsageError
from stream_app.store.database import Connection, connect, errors_told_apart

UNFINISHED = "SELECT publish, ends FROM replays WHERE NOT finished"
BEGIN = "INSERT INTO replays (publish, ends) VALUES ($1, $2)"
FINISH = "UPDATE replays SET finished = true WHERE NOT finished"
IS_EMPTY = """
    SELECT NOT EXISTS (SELECT 1 FROM ingest_progress) AND NOT EXISTS (SELECT 1 FROM day_triggers)
"""


@dataclass(frozen=True, slots=True)
class Replay:
    """Up to which offsets of each partition, by topic, a replay reads, and whether it publishes what it makes."""

    publish: bool
    ends: Mapping[str, tuple[int, ...]]


async def is_empty(connection: Connection) -> bool:
    """Whether nothing of any log was applied to the database. What the seed commands wrote does not count."""
    return bool(await connection.fetchval(IS_EMPTY))


async def begin(connection: Connection, replay: Replay) -> None:
    """Note a replay that begins."""
    await connection.execute(BEGIN, replay.publish, {topic: list(ends) for topic, ends in replay.ends.items()})


async def unfinished(connection: Connection) -> Replay | None:
    """The replay that has begun and not finished."""
    row = await connection.fetchrow(UNFINISHED)
    return row and Replay(row["publish"], {topic: tuple(ends) for topic, ends in row["ends"].items()})


async def finish(connection: Connection) -> None:
    """Note that the replay has finished."""
    await connection.execute(FINISH)


async def refuse_unfinished(database_url: str) -> None:
    """Raise UsageError where a replay has begun and not finished: a worker would publish what it was to keep quiet."""
    async with errors_told_apart():
        connection = await connect(database_url)
        try:
            found = await unfinished(connection)
        finally:
            await connection.close()
    if found is not None:
        raise UsageError(
            "A replay into this database has not finished: run `stream-app replay` again, which goes on where it "
            "was stopped, and then start the worker."
        )
