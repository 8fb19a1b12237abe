"""Closing the days that ingested files cover: those that are due and have no trigger yet."""

import datetime as dt
from collections.abc import Mapping, Sequence

from stream_app.contexts.closing import close_days, closed_at
from stream_app.contexts.log_known import require_known_log
from stream_app.ingest.coverage import NewsCoverage, PriceCoverage
from stream_app.services import Services
from stream_app.store import prices, triggers
from stream_app.store.database import connection

DaysByRegion = Mapping[str, Sequence[dt.date]]


def days_of_prices(services: Services, coverage: PriceCoverage) -> dict[str, list[dt.date]]:
    """The covered days that are due, of the regions that name an instrument of the files."""
    by_region = services.calendars()
    found = {name: coverage.days(region, by_region[name]) for name, region in services.regions.items()}
    return {name: due for name, days in found.items() if (due := _due(services, name, days))}


async def days_of_news(services: Services, coverage: NewsCoverage) -> dict[str, list[dt.date]]:
    """The covered days that are due and on which the region has a price. The prices must have been applied."""
    found: dict[str, list[dt.date]] = {}
    for name, region in services.regions.items():
        if days := _due(services, name, coverage.days(name)):
            async with connection(services.pool) as conn:
                priced = await prices.priced_dates(conn, region.instruments, days[0], days[-1])
            if with_price := [day for day in days if day in priced]:
                found[name] = with_price
    return found


async def close_covered(services: Services, days: DaysByRegion) -> dict[str, int]:
    """Close those of the days that have no trigger yet, in one call a region; how many each, by region."""
    closed = {}
    await require_known_log(services)
    for name, of_region in days.items():
        async with connection(services.pool) as conn:
            triggered = await triggers.triggered_days(conn, name, of_region[0], of_region[-1])
        closed[name] = await close_days(services, name, [day for day in of_region if day not in triggered])
    return closed


def _due(services: Services, name: str, days: Sequence[dt.date]) -> list[dt.date]:
    region, now = services.regions[name], services.clock.now()
    calendar = services.calendar_of(name)
    return [day for day in days if closed_at(region, calendar, day) <= now]
