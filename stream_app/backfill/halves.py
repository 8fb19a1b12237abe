"""Both halves of regions' days as they are stored: the numeric vector of a regime, and the mean of the day's texts."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.regime import text
from stream_app.store import vectors
from stream_app.store.article_texts import DayNews
from stream_app.store.origins import LIVE
from stream_app.store.regimes import RegimeRow

CHUNK_ARTICLES = 20_000
"""Text vectors read at a time, 1.5 kB each; a single day may have more."""
CHUNK_CONTEXTS = 8_192
"""Region days computed and stored at a time: 12.6 MB of vectors."""

Key = tuple[str, dt.date]
"""A region and a day."""


@dataclass(frozen=True, slots=True, eq=False)
class PairedHalves:
    """The region days, n of them, that have both halves; `numeric` and `text` are float32 (n, 384)."""

    keys: list[Key]
    numeric: NDArray[np.float32]
    text: NDArray[np.float32]
    articles: NDArray[np.int64]
    """(n,): of how many articles each text half is the mean."""


def chunks(days: Sequence[dt.date], news: Mapping[dt.date, DayNews], regions: int) -> Iterator[Sequence[dt.date]]:
    """The days in runs of a bounded number of articles and contexts, at least a day each."""
    start, articles = 0, 0
    for index, day in enumerate(days):
        articles += news[day].with_vector
        if index > start and (articles > CHUNK_ARTICLES or (index - start + 1) * regions > CHUNK_CONTEXTS):
            yield days[start:index]
            start, articles = index, news[day].with_vector
    if days:
        yield days[start:]


def one_a_day(rows: Sequence[RegimeRow]) -> tuple[list[RegimeRow], list[list[RegimeRow]]]:
    """A region day's live regime if it has one, else the seed commands' only one; and the days that have several."""
    found, ambiguous = [], []
    for _, grouped in groupby(rows, key=lambda row: (row.region, row.as_of)):
        of_day = list(grouped)
        live = [row for row in of_day if row.origin == LIVE]
        if live or len(of_day) == 1:
            found.append((live or of_day)[0])
        else:
            ambiguous.append(of_day)
    return found, ambiguous


def paired(halves: Sequence[RegimeRow], news_days: Sequence[dt.date], news_vectors: Sequence[bytes]) -> PairedHalves:
    """The numeric halves whose day has text vectors, with the mean of these, which are grouped by day."""
    names, starts = by_day(news_days)
    means = text.day_means(vectors.from_rows(news_vectors, DIM), starts)
    place = {day: index for index, day in enumerate(names)}
    known = [half for half in halves if half.as_of in place]
    of_day = np.array([place[half.as_of] for half in known], np.int64)
    return PairedHalves(
        [(half.region, half.as_of) for half in known],
        vectors.from_rows([half.vector for half in known], DIM),
        means[of_day],
        np.diff(starts)[of_day],
    )


def by_day(days: Sequence[dt.date]) -> tuple[list[dt.date], NDArray[np.int64]]:
    """Days of which the same stand beside each other: each once, and the bounds of its places, as `text.day_means`
    takes them."""
    counts = {day: len(list(of_day)) for day, of_day in groupby(days)}
    return list(counts), np.concatenate([[0], np.cumsum(list(counts.values()), dtype=np.int64)])
