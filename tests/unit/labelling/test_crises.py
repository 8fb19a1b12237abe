"""The crises of 2008 and 2011 are found without being told: fitted on the S&P 500 before 2007, without any name.

`data` holds its closes of 1985 to 2014, figures of ../shared/data/index_closes_1985_2023.csv.gz.
"""

import csv
import datetime as dt
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stream_app.labelling.fit import Days, Method, fit_unnamed
from stream_app.regime import volatility_profile, windows
from stream_app.regime.hysteresis import Hysteresis, consecutive, label_days
from stream_app.regime.labels import Vectors, probabilities
from stream_app.regime.volatility import realised_volatility

CLOSES = Path(__file__).parent / "data" / "gspc_closes_1985_2014.csv.gz"
SHARED = Path(__file__).parents[4] / "shared" / "data" / "index_closes_1985_2023.csv.gz"
FITTED_BEFORE = np.datetime64("2007-01-01")
WINDOW_DAYS = 63
CRISES = [(dt.date(2008, 9, 15), dt.date(2009, 3, 31)), (dt.date(2011, 8, 8), dt.date(2011, 11, 30))]
CALM_YEARS = [(dt.date(2005, 1, 1), dt.date(2006, 12, 31)), (dt.date(2013, 1, 1), dt.date(2014, 12, 31))]
RULE = Hysteresis()


@dataclass(frozen=True)
class Labelled:
    """Days and what they were labelled, by index; -1 before the first."""

    days: NDArray[np.datetime64]
    labels: tuple[str, ...]
    now: NDArray[np.int64]
    before: NDArray[np.int64]
    most_probable: NDArray[np.int64]

    def share(self, label: str, first: dt.date, last: dt.date) -> float:
        """Of the days between two, both inclusive, those with the label."""
        inside = (self.days >= np.datetime64(first)) & (self.days <= np.datetime64(last))
        return float((self.now[inside] == self.labels.index(label)).mean())


def closes(path: Path) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("instrument_id", "^GSPC") == "^GSPC"]
    days = np.array([row["trade_date"] for row in rows], "datetime64[D]")
    before_2015 = days < np.datetime64("2015-01-01")
    return days[before_2015], np.array([float(row["close"]) for row in rows])[before_2015]


def described(days: NDArray[np.datetime64], close: NDArray[np.float64]) -> tuple[NDArray[np.bool_], Vectors]:
    """Which days have a window, and the vectors of num-regime-scaled-v1 of those."""
    made = windows.windows(days, close, np.zeros(len(close)), days, WINDOW_DAYS)
    enough = made.rows >= windows.min_rows(WINDOW_DAYS)
    return enough, volatility_profile.embed(made.features[enough], made.rows[enough])


@pytest.fixture(scope="module", params=["k-means", "mixture"])
def labelled(request: pytest.FixtureRequest) -> Labelled:
    """Every day, by what was found before 2007."""
    method: Method = request.param
    all_days, close = closes(CLOSES)
    known, vectors = described(all_days, close)
    days, volatility = all_days[known], realised_volatility(close)[known]
    before = days < FITTED_BEFORE
    labels, fitted = fit_unnamed(Days(days[before], vectors[before], volatility[before]), method, 3, seed=0)
    chances = probabilities(fitted, vectors)
    histories = consecutive(np.arange(len(days)), RULE.history_sessions)
    found = label_days(chances, np.ones(len(days), bool), histories, RULE)
    return Labelled(days, labels, found.now, found.before, chances.argmax(axis=1))


def test_the_crises_of_2008_and_2011_are_labelled_as_stressed_without_being_told(labelled: Labelled) -> None:
    for first, last in CRISES:
        assert labelled.share("STRESSED", first, last) > 0.9


def test_calm_years_before_and_after_them_are_not(labelled: Labelled) -> None:
    for first, last in CALM_YEARS:
        assert labelled.share("STRESSED", first, last) < 0.05
    assert labelled.share("CALM", *CALM_YEARS[0]) > 0.5


def test_the_label_before_is_the_label_of_the_day_before(labelled: Labelled) -> None:
    """Each day starts its own machine, 63 sessions back; in thirty years it made no difference once."""
    assert (labelled.before[1:] == labelled.now[:-1]).all()


def test_hysteresis_leaves_less_than_half_of_the_changes(labelled: Labelled) -> None:
    changes = (labelled.now[1:] != labelled.now[:-1]).sum()
    raw = (labelled.most_probable[1:] != labelled.most_probable[:-1]).sum()
    assert 0 < changes < raw / 2


def test_the_extract_holds_the_figures_of_the_shared_data() -> None:
    if not SHARED.is_file():
        pytest.skip(f"{SHARED} is not here")
    for ours, theirs in zip(closes(CLOSES), closes(SHARED), strict=True):
        np.testing.assert_array_equal(ours, theirs)
