"""An ingestion from beginning to end: topics, files, and the closing of the days that the files cover."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas import NewsArticle, PriceClose
from stream_app.embedded import Endpoints
from stream_app.errors import Fatal, UsageError
from stream_app.ingest import covered
from stream_app.ingest.coverage import NewsCoverage, PriceCoverage
from stream_app.ingest.display import Bars
from stream_app.ingest.files import Source
from stream_app.ingest.kinds import NEWS_ARTICLES, PRICE_CLOSES, Event, Kind
from stream_app.ingest.report import Report
from stream_app.ingest.sending import Seen, Sending
from stream_app.ingest.waiting import Waited, Waiting
from stream_app.ingest.workers import watching_workers
from stream_app.kafka.topics import ensure_topics
from stream_app.services import Services
from stream_app.store import migrate
from stream_app.store.database import errors_told_apart


@dataclass(frozen=True, slots=True)
class Closed:
    """The covered days by region, how many of them were closed now, and how the wait for their contexts ended."""

    days: Mapping[str, Sequence[dt.date]]
    closed: Mapping[str, int]
    waited: Waited

    @property
    def closed_before(self) -> int:
        """How many of the covered days had a trigger already."""
        return sum(map(len, self.days.values())) - sum(self.closed.values())


@dataclass(frozen=True, slots=True)
class Job:
    """Ingests files of prices or of news, counting into `report` as it goes."""

    services: Services
    endpoints: Endpoints
    bars: Bars
    report: Report = field(default_factory=Report)

    async def check_database(self) -> None:
        """What closing needs, asked before anything is sent. UsageError where the tables are another release's."""
        async with errors_told_apart():
            found = await migrate.status(self.endpoints.database_url)
        if not found.up_to_date:
            raise UsageError(found.sentence)

    async def prices(self, sources: Sequence[Source], kind: Kind[PriceClose] = PRICE_CLOSES) -> PriceCoverage:
        """Send inputs that `look_at_all` found to be prices of this kind."""
        coverage = PriceCoverage()
        await self._send(sources, kind, coverage.add)
        return coverage

    def news_coverage(self) -> NewsCoverage:
        """What will know the days of articles. Raises UsageError for a region whose calendar nobody knows."""
        return NewsCoverage(self.services.regions, self.services.calendars())

    async def news(
        self,
        sources: Sequence[Source],
        coverage: NewsCoverage | None = None,
        kind: Kind[NewsArticle] = NEWS_ARTICLES,
    ) -> None:
        """Send inputs that `look_at_all` found to be news of this kind."""
        read = {language.upper() for region in self.services.regions.values() for language in region.languages}

        def seen(articles: Sequence[NewsArticle]) -> None:
            self.report.unread += sum(not a.retracted and (a.language or "").upper() not in read for a in articles)
            if coverage is not None:
                coverage.add(articles)

        await self._send(sources, kind, seen)

    async def close_prices(self, coverage: PriceCoverage) -> Closed:
        """Close the days that prices cover and wait until they are computed."""
        return await self._close(covered.days_of_prices(self.services, coverage))

    async def close_news(self, coverage: NewsCoverage) -> Closed:
        """Close the days that news covers, once the prices in the log are applied, and wait until they are computed.

        Raises Fatal when no worker applies the prices.
        """
        async with watching_workers(self.endpoints.kafka, self.services.settings.topic_prefix) as watch:
            show = self.bars.counting_down("prices applied")
            waited = await Waiting(self.services, watch).until_prices_are_applied(show)
        if waited is not Waited.DONE:
            raise Fatal(
                f"No day was closed: the prices in the log are not applied yet ({_WHY[waited]}), so the regions that "
                "have prices are not known. Start `stream-app worker` and repeat the command; repeated rows do no harm."
            )
        return await self._close(await covered.days_of_news(self.services, coverage))

    async def _send(self, sources: Sequence[Source], kind: Kind[Event], seen: Seen[Event]) -> None:
        services, settings = self.services, self.services.settings
        topic = services.topic(kind.topic.name)
        sending = Sending(services.publisher, topic, kind, self.report, seen, self.bars.moved, services.clock)
        await ensure_topics(
            self.endpoints.kafka, settings.topic_prefix, settings.topic_partitions, settings.topic_replication
        )
        await sending.send(sources)

    async def _close(self, days: covered.DaysByRegion) -> Closed:
        closed = await covered.close_covered(self.services, days)
        async with watching_workers(self.endpoints.kafka, self.services.settings.topic_prefix) as watch:
            waited = await Waiting(self.services, watch).until_computed(days, self.bars.counting_down("days computed"))
        return Closed(days, closed, waited)


_WHY = {
    Waited.NO_WORKER: "no worker seems to be running",
    Waited.STALLED: "the workers have not moved for three minutes; see their log",
}
