"""Reads pairs from the database: a region's stored numeric half of a day, and the mean of the news that count on it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM, Definition
from stream_app.contexts.batch import news_of_days
from stream_app.contexts.news_days import places
from stream_app.errors import UsageError
from stream_app.regime.calendars import OutsideCalendar, SessionCalendar
from stream_app.replay.telling import Told
from stream_app.store import training_halves
from stream_app.store.database import Connection
from stream_app.store.training_halves import NumericPage, NumericSelection
from stream_app.training.bounds import check_days
from stream_app.training.pairs import Pairs


@dataclass(frozen=True, slots=True)
class Region:
    """What decides which prices and news are a region's, and its calendar."""

    definition: Definition
    calendar: SessionCalendar


@dataclass(frozen=True, slots=True)
class Asked:
    """Days from first to last (inclusive) of regions by name, and the models of the halves."""

    regions: Mapping[str, Region]
    numeric_model_id: str
    text_model_id: str
    first: dt.date
    last: dt.date

    def of(self, region: str) -> NumericSelection:
        """The numeric halves of a region."""
        instruments = self.regions[region].definition.instruments
        return NumericSelection(region, self.numeric_model_id, self.first, self.last, instruments)


async def read_pairs(connection: Connection, asked: Asked, told: Told) -> Pairs:
    """The pairs of all days that have both halves; `told` counts days. Needs an open transaction.

    News count as they would for a worker, by the region's definition as it is now, and articles as they are now. The
    pairs take 3 kB each; beside them one page is in memory. UsageError for more days than a fit reads,
    and for one that the region's calendar does not know.
    """
    found = []
    days = sum([await training_halves.count(connection, asked.of(name)) for name in asked.regions])
    check_days(days, asked.first, asked.last)
    told.begin("Days", days)
    for name in asked.regions:
        async for page in training_halves.numeric_pages(connection, asked.of(name)):
            found.append(await _page_pairs(connection, asked, name, page))
            told.advance(len(page.days))
    return _sorted(found)


async def _page_pairs(connection: Connection, asked: Asked, name: str, page: NumericPage) -> Pairs:
    region = asked.regions[name]
    try:
        selection = news_of_days(name, region.definition, region.calendar, page.days)
    except OutsideCalendar as error:
        raise UsageError(f"{error} Choose --from and --to within these.") from None
    means = RunningMeans(len(page.days))
    async for texts in training_halves.text_pages(connection, asked.text_model_id, selection):
        of_days = places(texts.published_at, texts.news_dates, region.definition, region.calendar, page.days)
        means.add(of_days, texts.vectors)
    known = np.flatnonzero(means.counts)
    days = np.array(page.days, "datetime64[D]")[known]
    return Pairs(np.full(len(known), name), days, page.vectors[known], means.of(known))


class RunningMeans:
    """The mean text vectors of days, of which articles come some at a time, in article_id order.

    Added one to the other in float64 in that order, so the same bits as `regime.text.day_means`.
    """

    def __init__(self, days: int) -> None:
        self._totals = np.zeros((days, DIM))
        self.counts = np.zeros(days, np.int64)

    def add(self, of_days: Sequence[NDArray[np.intp]], vectors: NDArray[np.float32]) -> None:
        """More articles: of each day the indices of its own among the vectors (n, 384)."""
        counts = np.array([len(own) for own in of_days])
        np.add.at(self._totals, np.repeat(np.arange(len(of_days)), counts), vectors[np.concatenate(of_days)])
        self.counts += counts

    def of(self, days: NDArray[np.intp]) -> NDArray[np.float32]:
        """The means of days (k,) that have articles: (k, 384)."""
        return (self._totals[days] / self.counts[days, None]).astype(np.float32)


def _sorted(found: Sequence[Pairs]) -> Pairs:
    if not found:
        nothing = np.zeros((0, DIM), np.float32)
        return Pairs(np.zeros(0, "U1"), np.zeros(0, "datetime64[D]"), nothing, nothing)
    regions = np.concatenate([each.regions for each in found])
    days = np.concatenate([each.days for each in found])
    order = np.lexsort((regions, days))
    numeric, text = (np.concatenate([getattr(each, half) for each in found]) for half in ("numeric", "text"))
    return Pairs(regions[order], days[order], numeric[order], text[order])
