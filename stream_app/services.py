"""What a handler or a background task stands on, made once a process and handed over whole."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from stream_app.clock import Clock, SystemClock
from stream_app.config import RegionConfig, Settings, load_regions
from stream_app.embedded import Endpoints
from stream_app.errors import UsageError
from stream_app.kafka.fenced import FencedPublisher
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.publisher import Publisher
from stream_app.models import ModelsInUse, models_in_use
from stream_app.regime.calendars import SessionCalendar, load_calendar
from stream_app.store.database import Pool, create_pool


@dataclass(frozen=True, slots=True)
class Services:
    """The database, the broker, the settings, the models and the clock of one process."""

    settings: Settings
    regions: Mapping[str, RegionConfig]
    models: ModelsInUse
    database_url: str
    pool: Pool
    publisher: Publisher
    fenced: FencedPublisher
    log: LogReader
    clock: Clock

    def topic(self, name: str) -> str:
        """A topic's name on the wire."""
        return self.settings.topic_prefix + name

    def calendar_of(self, region: str) -> SessionCalendar:
        """A configured region's calendar; UsageError for an unknown region or a calendar that nobody knows."""
        if region not in self.regions:
            raise UsageError(f"There is no region {region}; there are {', '.join(sorted(self.regions))}.")
        try:
            return self.calendar(self.regions[region].calendar)
        except ValueError as error:
            raise UsageError(f"Region {region}: {error}") from None

    def calendars(self) -> dict[str, SessionCalendar]:
        """Every configured region's calendar; UsageError as `calendar_of`."""
        return {region: self.calendar_of(region) for region in self.regions}

    def calendar(self, name: str) -> SessionCalendar:
        """An exchange's calendar up to the configured end; ValueError for an unknown name."""
        return load_calendar(name, self.settings.calendar_end)


@asynccontextmanager
async def open_services(
    settings: Settings, endpoints: Endpoints, clock: Clock | None = None, reading_seconds: float | None = None
) -> AsyncIterator[Services]:
    """Services of one process; nothing is asked of the database or the broker before it is needed.

    With `reading_seconds` the pool only reads, and a statement that takes longer is given up.
    """
    regions, models = load_regions(settings.regions), models_in_use(settings)
    async with AsyncExitStack() as stack:
        pool = await create_pool(endpoints.database_url, reading_seconds=reading_seconds)
        stack.push_async_callback(pool.close)
        publisher = Publisher(endpoints.kafka)
        stack.push_async_callback(publisher.stop)
        fenced = FencedPublisher(endpoints.kafka, settings.topic_prefix)
        stack.push_async_callback(fenced.stop)
        reader = LogReader(endpoints.kafka)
        stack.push_async_callback(reader.stop)
        yield Services(
            settings=settings,
            regions=regions,
            models=models,
            database_url=endpoints.database_url,
            pool=pool,
            publisher=publisher,
            fenced=fenced,
            log=reader,
            clock=clock or SystemClock(),
        )
