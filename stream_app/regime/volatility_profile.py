"""`num-regime-scaled-v1`: a window as the volatilities to be expected after it, over a week, a month and a quarter.

Eight descriptors of a window's log returns r and of the path of its logarithmic close, none of which has a unit:

- log(m / 16 %), where m = sqrt(pi / 2 * 252) * EW|r|: the mean absolute return, exponentially weighted with half-lives
  of 4, 11 and 64 sessions, as a yearly volatility (several horizons: Corsi, "A simple approximate long-memory model of
  realized volatility", 2009; half-life 11 is RiskMetrics' decay of 0.94, J.P. Morgan 1996; absolute returns resist
  outliers: Forsberg and Ghysels, "Why do absolute returns predict volatility so well?", 2007)
- log(d / 16 %), where d^2 = 2 * 252 * EW min(r, 0)^2, half-life 11: downside semivariance (Barndorff-Nielsen,
  Kinnebrock and Shephard, "Measuring downside risk: realised semivariance", 2010)
- EW r / sqrt(EW r^2), half-lives 2 and 4, from -1 to 1: volatility rises after falls (Black 1976; at several horizons:
  Corsi and Reno, "Discrete-time volatility forecasting with persistent leverage effect", 2012)
- log(range / (16 % * sqrt(h / 252))) of the path over the last h = 21 and 62 sessions (Parkinson 1980, of closes)

The expected log volatilities over the next 5, 21 and 62 sessions are linear in them. An expectation e becomes an angle,
pi / 2 * e / 2, and the vector holds the angles' cosines and sines over sqrt(3). So its length is 1, and the cosine of
two windows is the mean of cos(difference of angles): the nearer, the more alike their expected volatilities are. Volume
does not enter. docs/joint_spaces/num-regime-scaled-v1.md says how the coefficients were fitted.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.regime.volatility import SESSIONS_A_YEAR
from stream_app.regime.windows import check_window_days, lookback_days, min_rows

MODEL_ID = "num-regime-scaled-v1"
BLOCK_WINDOWS = 2_048

Array = NDArray[np.float64]
_SMALLEST = 1e-30


@dataclass(frozen=True, slots=True)
class VolatilityProfile:
    """The model's parameters; the defaults are `num-regime-scaled-v1`. Horizons and half-lives count sessions."""

    reference_volatility: float = 0.16
    """A year's, of which the logarithm is 0."""
    half_lives: tuple[float, ...] = (4.0, 11.0, 64.0)
    downside_half_life: float = 11.0
    trend_half_lives: tuple[float, ...] = (2.0, 4.0)
    range_sessions: tuple[int, ...] = (21, 62)
    largest_return: float = 0.25
    """A larger log return, up or down, counts as this: more is a wrong price rather than a market."""
    largest_log: float = 3.0
    """Log volatilities and log ranges lie between this and its negative: 0.8 % to 320 % a year."""
    largest_expected_log: float = 2.0
    """Expected log volatilities lie between this and its negative: 2 % to 118 % a year."""
    intercepts: tuple[float, ...] = (-0.281, -0.194, -0.178)
    """One a horizon of the expectations: 5, 21 and 62 sessions."""
    coefficients: tuple[tuple[float, ...], ...] = (
        (0.277, 0.069, 0.215, -0.091, 0.013, -0.288, 0.095, 0.135),
        (0.152, 0.066, 0.191, -0.064, 0.086, -0.312, 0.071, 0.152),
        (0.098, 0.041, 0.123, -0.062, 0.061, -0.211, 0.060, 0.166),
    )
    """A row a horizon, in the descriptors' order."""


DEFAULT = VolatilityProfile()


def embed(
    features: NDArray[np.float32], rows: NDArray[np.int64], parameters: VolatilityProfile = DEFAULT
) -> NDArray[np.float32]:
    """(n, window_days, 3) -> (n, 384): cosine and sine of each horizon's angle, then zeros.

    `rows` (n,) says how many rows of each window are observed; what stands after them is not read. A vector depends on
    its own window alone, to the bit. n may be 0. Raises ValueError for windows of more than 128 rows.
    """
    expected = expected_log_volatilities(features, rows, parameters)
    angles = np.pi / 2 * expected / parameters.largest_expected_log
    vectors = np.zeros((len(features), DIM), np.float32)
    horizons = expected.shape[1]
    vectors[:, 0 : 2 * horizons : 2] = np.cos(angles) / np.sqrt(horizons)
    vectors[:, 1 : 2 * horizons : 2] = np.sin(angles) / np.sqrt(horizons)
    return vectors


def expected_log_volatilities(
    features: NDArray[np.float32], rows: NDArray[np.int64], parameters: VolatilityProfile = DEFAULT
) -> Array:
    """log(volatility / reference volatility) to be expected over each horizon: (n, horizons) float64."""
    described = descriptors(features, rows, parameters)
    bound = parameters.largest_expected_log
    expected = np.empty((len(features), len(parameters.intercepts)))
    for horizon, weights in enumerate(parameters.coefficients):
        # Added one by one: a matrix product's last bits depend on how many windows are computed together.
        total = np.full(len(features), parameters.intercepts[horizon])
        for index, weight in enumerate(weights):
            total += weight * described[:, index]
        expected[:, horizon] = np.clip(total, -bound, bound)
    return expected


def descriptors(
    features: NDArray[np.float32], rows: NDArray[np.int64], parameters: VolatilityProfile = DEFAULT
) -> Array:
    """The windows' descriptors in the module's order, (n, 8) float64: bounded, without unit."""
    check_window_days(features.shape[1])
    count = len(parameters.half_lives) + 1 + len(parameters.trend_half_lives) + len(parameters.range_sessions)
    described = np.empty((len(features), count))
    for observed in np.unique(rows).tolist():
        chosen = np.flatnonzero(rows == observed)
        for start in range(0, len(chosen), BLOCK_WINDOWS):
            block = chosen[start : start + BLOCK_WINDOWS]
            returns = np.ascontiguousarray(features[block, 1 : max(observed, 1), 2].T, np.float64)
            limited = np.clip(returns, -parameters.largest_return, parameters.largest_return)
            for column, values in enumerate(_described(limited, parameters)):
                described[block, column] = values
    return described


def fingerprint(window_days: int, parameters: VolatilityProfile = DEFAULT) -> str:
    """What the vectors depend on beside the prices: sha256 of the model's rules and parameters, hexadecimal."""
    rules = (
        f"volatility-profile|window_days={window_days}|min_rows={min_rows(window_days)}"
        f"|lookback_days={lookback_days(window_days)}|{parameters!r}"
        f"|EW|r|, downside, trends, ranges of observed rows|float64 then float32|cos, sin by horizon|dim={DIM}"
    )
    return hashlib.sha256(rules.encode()).hexdigest()


def _described(returns: Array, parameters: VolatilityProfile) -> list[Array]:
    """Each descriptor (k,) of returns (sessions, k), oldest first. A session is a row, so that k windows are added at
    once and a window's sums are in the same order however many there are."""
    yearly = SESSIONS_A_YEAR / parameters.reference_volatility**2
    absolute = np.abs(returns)
    found = [
        _log(np.sqrt(np.pi / 2 * yearly) * _weighted_mean(absolute, half_life), parameters)
        for half_life in parameters.half_lives
    ]
    falls = np.minimum(returns, 0.0)
    downside = np.sqrt(2 * yearly * _weighted_mean(falls * falls, parameters.downside_half_life))
    found.append(_log(downside, parameters))
    squares = returns * returns
    for half_life in parameters.trend_half_lives:
        size = np.sqrt(_weighted_mean(squares, half_life))
        found.append(_weighted_mean(returns, half_life) / np.maximum(size, _SMALLEST))
    path = np.zeros((len(returns) + 1, returns.shape[1]))
    np.cumsum(returns, axis=0, out=path[1:])
    for sessions in parameters.range_sessions:
        recent = path[-(sessions + 1) :]
        spread = recent.max(axis=0) - recent.min(axis=0)
        found.append(_log(spread * np.sqrt(yearly / sessions), parameters))
    return found


def _weighted_mean(values: Array, half_life: float) -> Array:
    """The mean over sessions (sessions, k) -> (k,), the newest weighing most; 0 without a session."""
    decay = 0.5 ** (1 / half_life)
    total, weights = np.zeros(values.shape[1]), 0.0
    for row in values:
        total *= decay
        total += row
        weights = weights * decay + 1.0
    return total / max(weights, 1.0)


def _log(ratio: Array, parameters: VolatilityProfile) -> Array:
    """The logarithm within the parameters' bounds, also of 0."""
    bounded: Array = np.clip(np.log(np.maximum(ratio, _SMALLEST)), -parameters.largest_log, parameters.largest_log)
    return bounded
