"""The newest rows of each instrument, so that the next close makes a window without asking the database."""

from collections import OrderedDict
from collections.abc import Mapping

from stream_app.store.prices import Series

LARGEST_INSTRUMENTS = 50_000
"""Each takes about 2 kB; the ones seen longest ago are dropped and read again when they come back."""


class WindowCache:
    """Tails of series: the last `window_days` current rows. Valid while the partitions' fence holds."""

    def __init__(self, window_days: int) -> None:
        self._window_days = window_days
        self._tails: OrderedDict[str, Series] = OrderedDict()

    def get(self, instrument_id: str) -> Series | None:
        """The instrument's tail; None if it must be read."""
        return self._tails.get(instrument_id)

    def update(self, series: Mapping[str, Series]) -> None:
        """Keep the tails of series that a committed transaction has left behind."""
        for instrument_id, rows in series.items():
            self._tails[instrument_id] = rows.tail(self._window_days)
            self._tails.move_to_end(instrument_id)
        while len(self._tails) > LARGEST_INSTRUMENTS:
            self._tails.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._tails.clear()
