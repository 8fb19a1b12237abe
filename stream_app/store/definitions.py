"""Under which region definition each day's newest context was computed."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from schemas import Definition
from stream_app.store.database import Connection
from stream_app.store.triggers import definition

COMPUTED_DAYS = """
    SELECT region, calendar, instruments, languages, news, news_day, array_agg(as_of ORDER BY as_of) AS days
    FROM (
        SELECT DISTINCT ON (region, as_of) region, as_of, calendar, instruments, languages, news, news_day
        FROM day_triggers WHERE computed AND NOT superseded ORDER BY region, as_of, number DESC
    ) AS newest
    GROUP BY region, calendar, instruments, languages, news, news_day
    ORDER BY region, min(as_of)
"""


@dataclass(frozen=True, slots=True)
class OtherDefinition:
    """Days of a region, ascending, that were computed under `was` where today's definition is `now` (None: the region
    is no longer configured)."""

    region: str
    was: Definition
    now: Definition | None
    days: list[dt.date]


async def computed_under_another(connection: Connection, today: Mapping[str, Definition]) -> list[OtherDefinition]:
    """The computed days whose newest trigger carries another definition than today's, by region and definition."""
    found = []
    for row in await connection.fetch(COMPUTED_DAYS):
        was = definition(row)
        now = today.get(row["region"])
        if was != now:
            found.append(OtherDefinition(row["region"], was, now, row["days"]))
    return found
