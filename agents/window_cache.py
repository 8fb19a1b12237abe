"""The newest rows of each instrument, so that the next close makes a window without asking the database."""

from collections import OrderedDict
from collections.abc import Mapping

from stream_app.regime import windows
from stream_app.store.prices import Series

LARGEST_INSTRUMENTS = 50_000
"""Each takes about 2 kB; the ones seen longest ago are dropped and read again when they come back."""


class WindowCache:
    """Tails of series: the last `window_days` current rows. Valid while the partitions' fence holds."""

    def __init__(self, window_days: int) -> None:
        self._window_days = window_days
        self._tails: OrderedDict[str, Series] = OrderedDict()

    def get(self, instrument_id: str) -> Series | None:
        """The instrument's tail, never empty; None if it must be read."""
        return self._tails.get(instrument_id)

    def update(self, series: Mapping[str, Series], changed: Mapping[str, Series]) -> None:
        """Keep the tails of the series that a committed transaction has left behind, where they are known whole.

        The rows were read from a lookback before the first changed row to the first row that is more than a lookback
        after the last one. So a tail that ends before the changes (they were retracted) may lack older rows, and one
        that ends later is not the end: both are forgotten.
        """
        lookback = windows.lookback_days(self._window_days)
        for instrument_id, rows in series.items():
            self._tails.pop(instrument_id, None)
            dates = changed[instrument_id].dates
            if len(rows) and dates[0] <= rows.dates[-1] <= dates[-1] + lookback:
                self._tails[instrument_id] = rows.tail(self._window_days)
        while len(self._tails) > LARGEST_INSTRUMENTS:
            self._tails.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._tails.clear()
