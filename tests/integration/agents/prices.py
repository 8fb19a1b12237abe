"""Closes made by hand, and the windows that they must have."""

import datetime as dt

import numpy as np

from schemas import PriceClose, encode
from stream_app.services import Services
from stream_app.store.database import connection
from tests.unit.kafka.rows import Row

FIRST = dt.date(2008, 1, 1)
WINDOW_DAYS, MIN_ROWS, LOOKBACK_DAYS = 5, 4, 15
INSTRUMENTS = ("A", "B", "C")


def record(offset: int, instrument_id: str, day: int, close: float | None) -> Row:
    """A close, or without one a retraction."""
    event = PriceClose(
        instrument_id=instrument_id,
        trade_date=FIRST + dt.timedelta(days=day),
        close=close,
        volume=None if close is None else 2 * close,
        retracted=close is None,
    )
    return Row(offset, encode(event), instrument_id.encode(), 1_700_000_000_000 + offset)


def window(prices: dict[dt.date, tuple[float, float]], as_of: dt.date) -> list[float] | None:
    """PARITY's vector in plain Python; None with too few rows."""
    oldest = as_of - dt.timedelta(days=LOOKBACK_DAYS)
    rows = [prices[day] for day in sorted(prices) if oldest <= day <= as_of][-WINDOW_DAYS:]
    if len(rows) < MIN_ROWS:
        return None
    rows += [rows[-1]] * (WINDOW_DAYS - len(rows))
    numbers: list[float] = []
    for index, (close, volume) in enumerate(rows):
        change = 0.0 if index == 0 else float(np.log(close / rows[index - 1][0]))
        numbers += [close, volume, change]
    return numbers + [0.0] * (384 - len(numbers))


async def check(services: Services) -> int:
    """Compare every stored window with the prices; how many there are."""
    async with connection(services.pool) as conn:
        prices = await conn.fetch(
            "SELECT instrument_id, trade_date, close, volume FROM prices_daily WHERE NOT retracted"
        )
        stored = await conn.fetch("SELECT entity_id, as_of_date, vector FROM numeric_window_embeddings")
    expected: dict[tuple[str, dt.date], list[float]] = {}
    for name in INSTRUMENTS:
        of_name = {row["trade_date"]: (row["close"], row["volume"]) for row in prices if row["instrument_id"] == name}
        expected |= {(name, day): vector for day in of_name if (vector := window(of_name, day)) is not None}
    found = {(row[0], row[1]): np.frombuffer(row[2], ">f4", offset=4) for row in stored}
    assert found.keys() == expected.keys()
    for key, vector in expected.items():
        np.testing.assert_allclose(found[key], vector, rtol=1e-6, atol=1e-7, err_msg=str(key))
    return len(found)
