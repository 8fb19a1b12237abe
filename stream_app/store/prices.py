"""Prices: their versions, and the series that windows are made of, now and as of a cut."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas import TopicCut
from stream_app.store import cuts
from stream_app.store.database import Connection
from stream_app.store.places import ORIGIN_COLUMNS, PLACE_DESC, POSITION_COLUMNS

Dates = NDArray[np.datetime64]
_DAY_ZERO = np.datetime64("0001-01-01", "D") - np.timedelta64(1, "D")
"""The day before the first ordinal's."""

# With the first row after the range, so that the reader knows whether it is the end.
CURRENT_SERIES = """
    SELECT p.instrument_id, p.trade_date, p.close, p.volume
    FROM unnest($1::text[], $2::date[], $3::date[]) AS wanted (instrument_id, first, last)
    JOIN prices_daily p ON p.instrument_id = wanted.instrument_id AND p.trade_date >= wanted.first
        AND p.trade_date <= coalesce((
            SELECT min(n.trade_date) FROM prices_daily n
            WHERE n.instrument_id = wanted.instrument_id AND n.trade_date > wanted.last AND NOT n.retracted
        ), wanted.last)
    WHERE NOT p.retracted
    ORDER BY p.instrument_id, p.trade_date
"""
NEWEST_DATES = """
    SELECT name, (SELECT max(trade_date) FROM prices_daily WHERE instrument_id = name)
    FROM unnest($1::text[]) AS names (name)
"""
VERSIONS = ", ".join(
    ("instrument_id", "trade_date", "close", "volume", "retracted", *POSITION_COLUMNS, *ORIGIN_COLUMNS)
)
SERIES_AS_OF = f"""
    SELECT instrument_id, trade_date, close, volume FROM (
        SELECT DISTINCT ON (instrument_id, trade_date) * FROM (
            SELECT {VERSIONS} FROM prices_daily
            WHERE instrument_id = ANY($1::text[]) AND trade_date BETWEEN $2 AND $3
            UNION ALL
            SELECT {VERSIONS} FROM prices_history
            WHERE instrument_id = ANY($1::text[]) AND trade_date BETWEEN $2 AND $3
        ) AS versions
        WHERE {cuts.below("$4", "$5")}
        ORDER BY instrument_id, trade_date, {PLACE_DESC}
    ) AS newest
    WHERE NOT retracted
    ORDER BY instrument_id, trade_date
"""
PRICED_BETWEEN = """
    SELECT DISTINCT trade_date FROM prices_daily
    WHERE instrument_id = ANY($1::text[]) AND trade_date BETWEEN $2 AND $3 AND NOT retracted
"""
_ABOVE = "instrument_id, trade_date, log_epoch, log_partition, log_offset"
_ABOVE_WHERE = f"""
    instrument_id = ANY($3::text[]) AND trade_date BETWEEN $4 AND $5 AND {cuts.below("$1", "$2")} IS NOT TRUE
"""
VERSIONS_ABOVE = f"""
    SELECT {_ABOVE} FROM prices_daily WHERE {_ABOVE_WHERE}
    UNION ALL SELECT {_ABOVE} FROM prices_history WHERE {_ABOVE_WHERE}
"""


def days_of(dates: Sequence[dt.date]) -> Dates:
    """Dates as datetime64[D], by their ordinals: numpy itself takes 30 times as long for a list of dates."""
    return _DAY_ZERO + np.fromiter(map(dt.date.toordinal, dates), np.int64, len(dates)).view("timedelta64[D]")


@dataclass(frozen=True, slots=True)
class VersionAbove:
    """A version at or above a cut: which row it is of and where it is in the log."""

    instrument_id: str
    trade_date: dt.date
    log_epoch: int
    log_partition: int
    log_offset: int


@dataclass(frozen=True, slots=True)
class Series:
    """One instrument's rows in date order: dates datetime64[D], closes and volumes float64, each shape (m,)."""

    dates: Dates
    closes: NDArray[np.float64]
    volumes: NDArray[np.float64]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.dates)

    def tail(self, rows: int) -> "Series":
        """The newest rows; of a much longer series as copies, so that the rest can be freed."""
        newest = Series(self.dates[-rows:], self.closes[-rows:], self.volumes[-rows:])
        if len(self) <= 2 * rows:
            return newest
        return Series(newest.dates.copy(), newest.closes.copy(), newest.volumes.copy())

    def followed_by(self, other: "Series") -> "Series":
        """These rows and then the other's, all of whose dates must be later."""
        return Series(
            np.concatenate([self.dates, other.dates]),
            np.concatenate([self.closes, other.closes]),
            np.concatenate([self.volumes, other.volumes]),
        )

    @classmethod
    def of(cls, dates: Sequence[dt.date], closes: Sequence[float], volumes: Sequence[float]) -> "Series":
        """A series from columns."""
        return cls(
            days_of(dates),
            np.array(closes, dtype=np.float64),
            np.array(volumes, dtype=np.float64),
        )


EMPTY = Series.of([], [], [])
"""No rows."""


def by_instrument(rows: Sequence[Any]) -> Iterator[tuple[str, Series]]:
    """The series of rows (instrument, date, close, volume) that are sorted by instrument and then by date."""
    if not rows:
        return
    ids, dates, closes, volumes = zip(*rows, strict=True)
    whole = Series.of(dates, closes, volumes)
    names = np.array(ids, dtype=object)
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]])).tolist()
    for start, stop in zip(starts, [*starts[1:], len(ids)], strict=True):
        yield ids[start], Series(whole.dates[start:stop], whole.closes[start:stop], whole.volumes[start:stop])


async def current_series(connection: Connection, ranges: Mapping[str, tuple[dt.date, dt.date]]) -> dict[str, Series]:
    """Each instrument's current rows in a range of its own (both inclusive), and the first row after it.

    An instrument with no such rows is not in the result.
    """
    if not ranges:
        return {}
    firsts, lasts = [first for first, _ in ranges.values()], [last for _, last in ranges.values()]
    return dict(by_instrument(await connection.fetch(CURRENT_SERIES, list(ranges), firsts, lasts)))


async def newest_dates(connection: Connection, instruments: Collection[str]) -> dict[str, dt.date]:
    """The date of each instrument's newest row, retracted or not; one without rows is not in the result."""
    if not instruments:
        return {}
    rows = await connection.fetch(NEWEST_DATES, list(instruments))
    return {name: day for name, day in rows if day is not None}


async def series_as_of(
    connection: Connection, instruments: Sequence[str], first: dt.date, last: dt.date, cut: TopicCut
) -> dict[str, Series]:
    """Each instrument's rows between two dates (inclusive) as they stood at the cut."""
    rows = await connection.fetch(SERIES_AS_OF, list(instruments), first, last, *cuts.parameters(cut))
    return dict(by_instrument(rows))


async def priced_dates(
    connection: Connection, instruments: Sequence[str], first: dt.date, last: dt.date
) -> set[dt.date]:
    """The dates between two (inclusive) on which any of the instruments has a price."""
    return {row[0] for row in await connection.fetch(PRICED_BETWEEN, list(instruments), first, last)}


async def versions_above(
    connection: Connection, instruments: Sequence[str], first: dt.date, last: dt.date, cut: TopicCut
) -> list[VersionAbove]:
    """Versions at or above the cut of rows between two dates (inclusive)."""
    rows = await connection.fetch(VERSIONS_ABOVE, *cuts.parameters(cut), list(instruments), first, last)
    return [VersionAbove(*row) for row in rows]
