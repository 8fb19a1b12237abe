"""Days of a market whose volatility swings slowly, stored as a seed command would."""

import numpy as np
from numpy.typing import NDArray

from stream_app.regime.volatility_profile import MODEL_ID, embed
from stream_app.regime.windows import windows
from stream_app.store import regimes
from stream_app.store.database import Connection
from stream_app.store.prices import Dates
from stream_app.store.regimes import Regimes

INSTRUMENT, ROWS = "SPX.US", 63


async def store_days(connection: Connection, dates: Dates) -> NDArray[np.float32]:
    """Store closes of the dates (n,), and US's regimes by the scaled model of all that have a whole window.

    Returns these vectors, (n - 62, 384).
    """
    rng = np.random.default_rng(0)
    daily = 0.01 * np.exp(np.sin(np.arange(len(dates)) / 100))
    closes = 1_000 * np.exp(np.cumsum(daily * rng.standard_normal(len(dates))))
    await connection.copy_records_to_table(
        "prices_daily",
        records=[(INSTRUMENT, *row) for row in zip(dates.tolist(), closes.tolist(), strict=True)],
        columns=("instrument_id", "trade_date", "close"),
    )
    window = windows(dates, closes, np.zeros(len(dates)), dates[ROWS - 1 :], ROWS)
    numeric = embed(window.features, window.rows)
    of, days = Regimes("US", MODEL_ID, (INSTRUMENT,), "NEUTRAL", 1.0), dates[ROWS - 1 :].tolist()
    await regimes.append(connection, regimes.records(of, days, [False] * len(days), numeric))
    return numeric
