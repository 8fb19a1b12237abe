"""The numeric vectors that are compared: functions of windows (n, 63, 3) and their observed rows (n,)."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from stream_app.regime import numeric, volatility_profile
from stream_app.regime.volatility import SESSIONS_A_YEAR

Features = NDArray[np.float32]
Rows = NDArray[np.int64]
Embed = Callable[[Features, Rows], NDArray[np.float32]]

REFERENCE_VOLATILITY = 0.16
SMALLEST_VARIANCE = 1e-12


def raw(features: Features, rows: Rows) -> NDArray[np.float32]:
    """`num-regime-core-v1`: closes, volumes and returns as they are."""
    del rows
    return numeric.embed(features)


def unit_path(features: Features, rows: Rows) -> NDArray[np.float32]:
    """log(price / last close) and log returns, each window at length 1: the level of volatility is thrown away."""
    del rows
    log_close = np.log(np.maximum(features[:, :, 0].astype(np.float64), 1e-9))
    path = np.concatenate([log_close - log_close[:, -1:], features[:, :, 2]], axis=1)
    return path.astype(np.float32)


def unweighted_volatilities(features: Features, rows: Rows) -> NDArray[np.float32]:
    """Log volatilities and downside volatilities of several horizons, trends, drawdown, 1."""
    del rows
    returns = features[:, :, 2].astype(np.float64)
    log_close = np.log(np.maximum(features[:, :, 0].astype(np.float64), 1e-9))
    columns = [_log_volatility(returns, sessions) for sessions in (5, 10, 21, 42, 62)]
    columns += [_log_volatility(np.minimum(returns, 0), sessions) for sessions in (5, 21, 62)]
    columns += [log_close[:, -1] - log_close[:, -1 - sessions] for sessions in (5, 21, 62)]
    columns += [log_close[:, -1] - log_close.max(axis=1), np.ones(len(features))]
    return np.stack(columns, axis=1).astype(np.float32)


def _log_volatility(returns: NDArray[np.float64], sessions: int) -> NDArray[np.float64]:
    mean = np.square(returns[:, -sessions:]).mean(axis=1)
    found: NDArray[np.float64] = np.log(np.sqrt(SESSIONS_A_YEAR * mean + SMALLEST_VARIANCE) / REFERENCE_VOLATILITY)
    return found


SCALED = volatility_profile.MODEL_ID
CANDIDATES: Mapping[str, Embed] = {
    numeric.MODEL_ID: raw,
    "path of unit length": unit_path,
    "unweighted volatilities": unweighted_volatilities,
    SCALED: volatility_profile.embed,
}
