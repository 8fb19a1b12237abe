"""How the regions stand: read from the database and the calendars."""

from collections.abc import Sequence
from typing import Any

from stream_app.services import Services
from stream_app.store import region_days
from stream_app.store.database import connection
from stream_app.web.answers import ContextHeader, Region, RegionList


async def read(services: Services) -> RegionList:
    """Every region of the regions file and of the database."""
    async with connection(services.pool) as conn:
        newest = await region_days.newest(conn)
    names = sorted({*services.regions, *newest})
    return RegionList(regions=[_region(services, name, newest.get(name, ())) for name in names])


def _region(services: Services, name: str, newest: Sequence[dict[str, Any]]) -> Region:
    config = services.regions.get(name)
    headers = [ContextHeader(**each) for each in newest]
    return Region(
        region=name,
        configured=config is not None,
        calendar=None if config is None else config.calendar,
        instruments=() if config is None else config.instruments,
        state="closed",
        as_of=max((h.as_of for h in headers), default=None),
        next_close=None,
        closing=(),
        closing_total=0,
        newest=headers,
    )
