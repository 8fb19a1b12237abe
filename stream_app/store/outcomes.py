"""What came of a closed day: its newest revision, with or without a vector."""

import datetime as dt
from dataclasses import dataclass

from stream_app.store.database import Connection

NEWEST = """
    SELECT revision, absent_reason, stale FROM joint_embedding_revisions
    WHERE region = $1 AND as_of_date = $2 AND model_id = $3 ORDER BY revision DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A day's newest revision. `absent_reason` says why it has no vector, `stale` that no price was of that day."""

    revision: int
    absent_reason: str | None
    stale: bool


async def newest(connection: Connection, region: str, as_of: dt.date, model_id: str) -> Outcome | None:
    """The day's newest revision of a model, if it has one."""
    row = await connection.fetchrow(NEWEST, region, as_of, model_id)
    return None if row is None else Outcome(row["revision"], row["absent_reason"], row["stale"])
