"""The runs on real indices: each with its history, its first tested day and its last day."""

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stream_app.regime.windows import Dates, Windows, windows

WINDOW_DAYS = 63


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """One index: dates datetime64[D], closes and volumes float64 (0 is unknown), each (n,)."""

    dates: Dates
    closes: NDArray[np.float64]
    volumes: NDArray[np.float64]

    def between(self, first: str, last: str) -> "Prices":
        """The rows from one date to another, both included."""
        inside = (self.dates >= np.datetime64(first, "D")) & (self.dates <= np.datetime64(last, "D"))
        return Prices(self.dates[inside], self.closes[inside], self.volumes[inside])

    def windows(self) -> Windows:
        """The window as of each row."""
        return windows(self.dates, self.closes, self.volumes, self.dates, WINDOW_DAYS)


@dataclass(frozen=True, slots=True)
class Run:
    """One index, its rows from `history`, tested from `tested` on, to `last`."""

    instrument: str
    history: str
    tested: str
    last: str

    @property
    def name(self) -> str:
        """As the table names it."""
        return f"{self.instrument} {self.tested[:4]}-{self.last[:4]}"


RUNS = (
    Run("^DJI", "2007-01-01", "2012-01-01", "2016-07-01"),
    Run("^GSPC", "1985-01-01", "1995-01-01", "2007-12-31"),
    Run("^GSPC", "2000-01-01", "2010-01-01", "2023-12-31"),
    Run("^N225", "2002-07-01", "2010-01-01", "2023-12-31"),
    Run("^GDAXI", "2002-07-01", "2010-01-01", "2023-12-31"),
)
"""The five that are averaged. ^DJI ends with its headlines."""
LONGER_DJI = Run("^DJI", "2007-01-01", "2012-01-01", "2023-12-31")
FINAL = Run("^HSI", "1986-12-31", "2000-01-01", "2023-12-31")
"""Kept for one look, when everything else was settled."""


def read(path: Path) -> Mapping[str, Prices]:
    """Every index of the file, by its id, in date order."""
    rows: dict[str, list[tuple[str, float, float]]] = {}
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines):
            told = (row["trade_date"], float(row["close"]), float(row["volume"] or 0))
            rows.setdefault(row["instrument_id"], []).append(told)
    found = {}
    for name, unsorted in rows.items():
        dates, closes, volumes = zip(*sorted(unsorted), strict=True)
        found[name] = Prices(np.array(dates, "datetime64[D]"), np.array(closes), np.array(volumes))
    return found
