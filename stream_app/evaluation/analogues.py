"""Forecasts from analogues: the volatility that followed the most alike earlier days, against what then came.

A day's forecast is the mean log volatility that followed its neighbours. A neighbour lies at least `gap_sessions` back,
so that what followed it had ended before the day: nothing later than the day is in its forecast.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stream_app.evaluation.correlation import (
    BLOCK_SESSIONS,
    RESAMPLES,
    SEED,
    Correlations,
    Estimate,
    circular_blocks,
    spearman,
)
from stream_app.evaluation.neighbours import earlier_days, most_alike
from stream_app.evaluation.shifts import p_value, some_shifts
from stream_app.evaluation.spaces import overlap, stability
from stream_app.evaluation.volatility import HORIZON_SESSIONS, following, trailing

GAP_SESSIONS = 30
EVERY_SESSIONS = 3
FEWEST_TESTED_DAYS = 30
TRAILING = "trailing volatility"
RANDOM = "random days"

Array = NDArray[np.float64]
Days = NDArray[np.datetime64]


class TooFewDays(ValueError):
    """There are not enough days to test on. The message says how many and what is missing."""


@dataclass(frozen=True, slots=True)
class Study:
    """How days are tested. `every_sessions`: 3 tests every third day on which it can be done.

    No day before `history_first` is a neighbour, nor tested. With `fitted_last` only days from `first_after` it on are.
    """

    counts: Sequence[int] = (10, 50)
    first: np.datetime64 | None = None
    last: np.datetime64 | None = None
    every_sessions: int = EVERY_SESSIONS
    history_first: np.datetime64 | None = None
    fitted_last: np.datetime64 | None = None
    gap_sessions: int = GAP_SESSIONS
    resamples: int = RESAMPLES
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.gap_sessions <= HORIZON_SESSIONS:
            raise ValueError(f"A gap of {self.gap_sessions} sessions would let a neighbour know the future.")


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """An instrument's sessions (n,), datetime64[D] ascending, and their closes (n,)."""

    dates: Days
    closes: Array


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """A model's vectors (m, d) of days (m,), datetime64[D] ascending."""

    dates: Days
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """How good one forecast is. `k` neighbours; None of trailing volatility, which asks no neighbour."""

    name: str
    k: int | None
    spearman: Estimate
    above_trailing: Estimate
    p_value: float | None
    """Of the correlation, by `by_chance`; None of trailing volatility, which no shift takes from the market."""
    stability: float | None
    """The mean cosine to the day before's vector."""
    overlaps: Mapping[str, float]
    """With each other model: the mean share of the k neighbours that both have."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The rows, and the days (m,) on which all of them were tested, ascending."""

    rows: Sequence[Row]
    tested: Days = field(compare=False, repr=False)
    correlations: Correlations = field(compare=False, repr=False)
    """Of the rows, in their order: what their intervals are made of."""

    @property
    def days(self) -> int:
        """How many days were tested."""
        return len(self.tested)

    @property
    def first(self) -> np.datetime64:
        """The first tested day."""
        found: np.datetime64 = self.tested[0]
        return found

    @property
    def last(self) -> np.datetime64:
        """The last tested day."""
        found: np.datetime64 = self.tested[-1]
        return found


def evaluate(market: Market, spaces: Mapping[str, Space], study: Study) -> Evaluation:
    """Test models side by side, all on the days of which each of them has a vector, with the same history.

    Raises TooFewDays.
    """
    sessions = common_sessions(market, spaces)
    if study.history_first is not None:
        sessions = sessions[market.dates[sessions] >= study.history_first]
    outcomes = following(market.closes)
    trail = trailing(market.closes)
    queries = tested_days(market, sessions, study)
    vectors = {name: _at(space, market.dates[sessions]) for name, space in spaces.items()}
    largest = max(study.counts)
    neighbours = {
        name: most_alike(each, sessions, queries, study.gap_sessions, largest) for name, each in vectors.items()
    }
    neighbours[RANDOM] = _random_days(earlier_days(sessions, queries, study.gap_sessions), largest, study.seed)
    asked = [(name, k) for name in (RANDOM, *spaces) for k in study.counts]
    made = [forecast(outcomes[sessions], neighbours[name][:, :k]) for name, k in asked]
    tested = sessions[queries]
    samples = circular_blocks(len(queries), BLOCK_SESSIONS // study.every_sessions, study.resamples, study.seed)
    found = Correlations.of(np.array([trail[tested], *made]), outcomes[tested], samples)
    rows = [Row(TRAILING, None, found.estimate(0), found.above(0, 0), None, None, {})]
    for index, (name, k) in enumerate(asked, start=1):
        steady = stability(vectors[name]) if name in vectors else None
        others = _overlaps(name, neighbours, k) if name in vectors else {}
        shifted = by_chance(outcomes[sessions], queries, neighbours[name][:, :k])
        sure = p_value(found.values[index], shifted)
        rows.append(Row(name, k, found.estimate(index), found.above(index, 0), sure, steady, others))
    return Evaluation(rows, market.dates[tested], found)


def common_sessions(market: Market, spaces: Mapping[str, Space]) -> NDArray[np.int64]:
    """The session numbers of the days of which each model has a vector."""
    common = market.dates
    for space in spaces.values():
        common = np.intersect1d(common, space.dates, assume_unique=True)
    return np.searchsorted(market.dates, common)


def tested_days(market: Market, sessions: NDArray[np.int64], study: Study) -> NDArray[np.int64]:
    """The days to test, indices into `sessions`: within the study's bounds, with trailing volatility before, all of the
    horizon after, and enough history, of these every so many."""
    days = market.dates[sessions]
    can = (sessions >= HORIZON_SESSIONS) & (sessions + HORIZON_SESSIONS < len(market.dates))
    can &= earlier_days(sessions, np.arange(len(sessions)), study.gap_sessions) >= max(study.counts)
    if study.first is not None:
        can &= days >= study.first
    if study.last is not None:
        can &= days <= study.last
    if study.fitted_last is not None:
        can &= sessions >= first_after(market.dates, study.fitted_last)
    chosen = np.flatnonzero(can)[:: study.every_sessions]
    if len(chosen) < FEWEST_TESTED_DAYS:
        raise TooFewDays(
            f"{len(chosen)} days can be tested, fewer than {FEWEST_TESTED_DAYS}: of {len(sessions)} days with a price "
            f"and a vector of each model a tested one needs {max(study.counts)} that are at least {study.gap_sessions} "
            f"sessions older, and {HORIZON_SESSIONS} sessions after it{_after_fit(study)}."
        )
    return chosen


def first_after(dates: Days, fitted_last: np.datetime64) -> int:
    """The number of the first session (of n dates, ascending) on which a model is not in sample that was fitted on days
    up to `fitted_last`: what follows a fitted day, HORIZON_SESSIONS long, has ended before it."""
    return int(np.searchsorted(dates, fitted_last, side="right")) + HORIZON_SESSIONS


def forecast(outcomes: Array, neighbours: NDArray[np.int64]) -> Array:
    """The mean of what followed each query's neighbours (m, k), indices into outcomes: (m,)."""
    found: Array = outcomes[neighbours].mean(axis=1)
    return found


def _after_fit(study: Study) -> str:
    """How the sentence goes on that says what a tested day needs."""
    if study.fitted_last is None:
        return ""
    return f", and lies over {HORIZON_SESSIONS} sessions after {study.fitted_last}, the last day that was fitted on"


def by_chance(outcomes: Array, queries: NDArray[np.int64], neighbours: NDArray[np.int64]) -> Array:
    """The correlations that the same neighbours (m, k) of the queries (m,) reach when the market is shifted against the
    days: (s,), for `some_shifts` of it.

    `outcomes` (n,) are NaN at their end alone. So days keep being alike because they are near each other, and markets
    calm or wild for months; what the vectors know of the market goes.
    """
    known = outcomes[np.isfinite(outcomes)]
    shifts = [np.roll(known, shift) for shift in some_shifts(len(known)).tolist()]
    return np.array([spearman(forecast(each, neighbours), each[queries]) for each in shifts])


def _overlaps(name: str, neighbours: Mapping[str, NDArray[np.int64]], k: int) -> dict[str, float]:
    """The share of one model's k neighbours that each other model has too."""
    own = neighbours[name][:, :k]
    return {
        other: overlap(own, of_other[:, :k]) for other, of_other in neighbours.items() if other not in {name, RANDOM}
    }


def _at(space: Space, days: Days) -> NDArray[np.float32]:
    return space.vectors[np.searchsorted(space.dates, days)]


def _random_days(earlier: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """`count` of each query's earlier days (m,), each as likely as the other: (m, count)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.choice(each, count, replace=False) for each in earlier.tolist()])
