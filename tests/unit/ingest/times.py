"""When the tests' files are ingested."""

import datetime as dt

from stream_app.clock import FixedClock

NOW = dt.datetime(2008, 9, 20, 12, tzinfo=dt.UTC)
NOW_MS = int(NOW.timestamp() * 1000)
CLOCK = FixedClock(NOW)
