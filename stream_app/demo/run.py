"""The demo from beginning to end. Whatever ends it, what it started is stopped."""

import asyncio
import datetime as dt
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from stream_app import embedded
from stream_app.config import Settings
from stream_app.demo import tables
from stream_app.demo.analogues import Story, story
from stream_app.demo.outcome import Published, price_series, text_halves
from stream_app.demo.place import Place, fresh_place
from stream_app.demo.sample_days import articles_of_days, check_comparable
from stream_app.demo.worker_process import last_lines, until_ready, worker
from stream_app.embedded import Endpoints
from stream_app.errors import Fatal
from stream_app.ingest.display import bars
from stream_app.ingest.job import Job
from stream_app.ingest.kinds import NEWS_ARTICLES, PRICE_CLOSES
from stream_app.ingest.sending import look_at_all
from stream_app.ingest.waiting import Waited
from stream_app.sample import MODELS, NEWS, PRICES
from stream_app.services import Services, open_services
from stream_app.store import migrate

TERMINATED = 128 + signal.SIGTERM
MATPLOTLIB_CACHE = "MPLCONFIGDIR"

Say = Callable[[str], None]
Days = Mapping[str, Sequence[dt.date]]


@dataclass(frozen=True, slots=True)
class Demo:
    """What is to be shown, and where: `say` for words on the way, `show` for results, text or what rich can draw."""

    settings: Settings
    config: Path | None
    region: str
    chosen: dt.date
    say: Say
    show: Callable[[Any], None]
    started: float = field(default_factory=time.monotonic)

    @property
    def models_file(self) -> Path:
        """The user's own, else the sample's, by which days are labelled."""
        return self.settings.models_file or MODELS

    @property
    def page(self) -> str:
        """Where the dashboard shows the chosen day, once it is served on this machine."""
        query = urlencode({"region": self.region, "day": self.chosen})
        return f"http://127.0.0.1:{self.settings.serve_port or 'PORT'}/#{query}"

    def run(self) -> Place:
        """Run the demo; returns where its data are, with everything stopped.

        Raises UsageError before anything starts when the chosen day has no news or too few prices.
        """
        check_comparable(self.settings, self.region, self.chosen)
        with _sigterm_leaves(), fresh_place(self.settings.data_dir) as place:
            try:
                self._run_in(place)
            except Exception:
                self._say_log(place)
                raise
            finally:
                with _deaf():
                    self._step("Stopping what was started")
                    place.stop()
        self._step("Done")
        return place

    def _run_in(self, place: Place) -> None:
        self._step(f"Starting Kafka and Postgres in {place.folder}")
        endpoints = embedded.start(place.folder, self._step)
        asyncio.run(migrate.upgrade(endpoints.database_url))
        self._step(f"Starting a worker, which loads the text model; its log is {place.worker_log}")
        with worker(place, endpoints, self.config, self.models_file) as process:
            asyncio.run(self._with_worker(place, endpoints, process))

    async def _with_worker(self, place: Place, endpoints: Endpoints, process: "subprocess.Popen[bytes]") -> None:
        own = {"data_dir": place.folder, "topic_prefix": "", "regions": None, "models_file": self.models_file}
        settings = self.settings.model_copy(update=own)
        async with open_services(settings, endpoints) as services:
            await until_ready(process, endpoints)
            self._step("Ingesting the sample, prices and headlines of 2006 to 2009, and closing its days")
            with bars() as shown:
                days = await _ingest(Job(services, endpoints, shown))
            self._step("Reading the contexts from Kafka")
            await self._show_outcome(services, place, days)

    async def _show_outcome(self, services: Services, place: Place, days: Days) -> None:
        published = Published(services)
        await published.until_all(days)
        self.show(tables.last_contexts(published.found))
        compared = await self._compared(services, published)
        self.show(tables.days_alike(compared))
        await self._draw(services, place, compared)

    async def _compared(self, services: Services, published: Published) -> Story:
        contexts = sorted(
            (c for c in published.found.values() if c.region == self.region and c.vector is not None),
            key=lambda context: context.as_of,
        )
        definition = contexts[0].definition
        days = [context.as_of for context in contexts]
        articles = articles_of_days(definition, services.calendar(definition.calendar), days)
        return story(self.region, self.chosen, contexts, articles, await text_halves(services, articles))

    async def _draw(self, services: Services, place: Place, compared: Story) -> None:
        instrument = services.regions[self.region].instruments[0]
        series = await price_series(services, instrument)
        os.environ.setdefault(MATPLOTLIB_CACHE, str(self.settings.data_dir.resolve() / "matplotlib"))
        from stream_app.demo.chart import draw  # noqa: PLC0415 - matplotlib reads its cache folder's name on import

        draw(place.chart, instrument, series, compared)
        self.show(f"The chart: {place.chart}")

    def _step(self, what: str) -> None:
        self.say(f"{time.monotonic() - self.started:5.1f} s  {what}")

    def _say_log(self, place: Place) -> None:
        if lines := last_lines(place.worker_log):
            self.say(f"The last lines of {place.worker_log}:")
            self.say("\n".join(f"  {line}" for line in lines))


async def _ingest(job: Job) -> Days:
    """Ingest the sample and close its days; returns them by region once they are computed."""
    coverage = await job.prices(look_at_all([PRICES], PRICE_CLOSES))
    await job.news(look_at_all([NEWS], NEWS_ARTICLES))
    closed = await job.close_prices(coverage)
    if closed.waited is not Waited.DONE:
        raise Fatal(f"The days were not computed: {closed.waited.value}.")
    return closed.days


@contextmanager
def _sigterm_leaves() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: what was started is stopped on the way out."""

    def leave(*_: object) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _deaf() -> Iterator[None]:
    """A second Ctrl-C does not interrupt the stopping."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
