"""What a context is computed from: prices and news as they stood at its trigger's cut."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM, InstrumentWindow
from stream_app.contexts.batch import Batch
from stream_app.contexts.news_days import places
from stream_app.models import NumericModel
from stream_app.regime import windows
from stream_app.store import news, prices
from stream_app.store.database import Connection
from stream_app.store.news import Article
from stream_app.store.prices import Series, days_of

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NumericInputs:
    """One day's numeric half, instruments with enough rows alone. `vectors` is float32, shape (k, 384)."""

    instruments: tuple[InstrumentWindow, ...]
    vectors: NDArray[np.float32]
    priced: bool
    """Whether any instrument of the region has a row for the day itself."""

    @property
    def last_date(self) -> dt.date | None:
        """The newest price's date; None without any window."""
        return max((window.last_date for window in self.instruments), default=None)


def numeric_inputs(
    series: dict[str, Series], instruments: Sequence[str], days: Sequence[dt.date], model: NumericModel
) -> list[NumericInputs]:
    """The numeric half of each day in a model, in the order of `days`, from each instrument's rows."""
    as_ofs = days_of(days)
    names = [name for name in instruments if name in series]
    if not names:
        return [NumericInputs((), np.zeros((0, DIM), np.float32), priced=False) for _ in days]
    made = [_embedded(series[name], as_ofs, model) for name in names]
    vectors = np.stack([each_vectors for _, each_vectors in made], axis=1)
    rows = np.stack([each.rows for each, _ in made], axis=1)
    last_dates = np.stack([each.last_date for each, _ in made], axis=1)
    priced = np.any(last_dates == as_ofs[:, None], axis=1)
    enough = rows >= windows.min_rows(model.window_days)
    complete = np.all(enough, axis=1)
    found = []
    for day, (of_day, its_rows, its_dates) in enumerate(zip(enough, rows.tolist(), last_dates.tolist(), strict=True)):
        chosen = range(len(names)) if complete[day] else np.flatnonzero(of_day).tolist()
        its_windows = tuple(
            InstrumentWindow(instrument_id=names[place], rows=its_rows[place], last_date=its_dates[place])
            for place in chosen
        )
        found.append(
            NumericInputs(its_windows, vectors[day] if complete[day] else vectors[day, of_day], bool(priced[day]))
        )
    return found


def _embedded(
    series: Series, as_ofs: NDArray[np.datetime64], model: NumericModel
) -> tuple[windows.Windows, NDArray[np.float32]]:
    made = windows.windows(series.dates, series.closes, series.volumes, as_ofs, model.window_days)
    return made, model.embed(made.features, made.rows)


async def read_series(
    connection: Connection, batch: Batch, prices_topic: str, first_day: dt.date, window_days: int
) -> dict[str, Series]:
    """The rows that windows of the days from `first_day` to the batch's last may hold, by instrument, as of the cut."""
    first = first_day - windows.lookback_days(window_days) * ONE_DAY
    cut = batch.cut[prices_topic]
    return await prices.series_as_of(connection, batch.definition.instruments, first, max(batch.days), cut)


async def read_articles(connection: Connection, batch: Batch, news_topic: str) -> list[list[Article]]:
    """The articles of each of the batch's days as of the cut, each day's in article_id order."""
    articles = await news.articles_as_of(connection, batch.selection(), batch.cut[news_topic])
    found = places(
        [article.published_at for article in articles],
        [article.news_date for article in articles],
        batch.definition,
        batch.calendar,
        batch.days,
    )
    return [[articles[index] for index in indices] for indices in found]
