"""The joint spaces that workers use by default, again: numeric halves and joins in plain numpy, by docs/joint_spaces.

Of the product nothing is imported, as in the oracle; a fitted model's numbers are read from its file, as data.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIM = 384
TEXT_MODEL_ID = "text-fin-general-v1"
"""Of every space."""
Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).parents[2] / "stream_app" / "models" / "joint-regime-scaled-v2.json"
YEAR, REFERENCE, SMALLEST = 252, 0.16, 1e-30
HALF_LIVES, DOWNSIDE, TRENDS, RANGES = (4, 11, 64), 11, (2, 4), (21, 62)
INTERCEPTS = (-0.281, -0.194, -0.178)
COEFFICIENTS = (
    (0.277, 0.069, 0.215, -0.091, 0.013, -0.288, 0.095, 0.135),
    (0.152, 0.066, 0.191, -0.064, 0.086, -0.312, 0.071, 0.152),
    (0.098, 0.041, 0.123, -0.062, 0.061, -0.211, 0.060, 0.166),
)


@dataclass(frozen=True, slots=True)
class Space:
    """A joint model with its numeric one.

    `embed`: a window's numbers, float32 (63, 3), and how many of its rows were observed, to its vector. `join`: numeric
    half, text half and the number of articles to the joint vector.
    """

    joint_model_id: str
    numeric_model_id: str
    embed: Callable[[Floats, int], Floats]
    join: Callable[[Floats, Floats, int], Floats]


def path(numbers: Floats, observed: int) -> Floats:
    """num-regime-core-v1: the numbers row by row."""
    del observed
    return _filled(numbers.ravel())


def average(numeric: Floats, text: Floats, articles: int) -> Floats:
    """joint-regime-core-v1."""
    del articles
    return (np.float32(0.5) * numeric + np.float32(0.5) * text).astype(np.float32)


def profile(numbers: Floats, observed: int) -> Floats:
    """num-regime-scaled-v1: the volatilities to be expected, as angles."""
    returns = [min(max(float(each), -0.25), 0.25) for each in numbers[1:observed, 2]]
    described = [
        _log(math.sqrt(math.pi / 2 * YEAR) / REFERENCE * _recent(map(abs, returns), life)) for life in HALF_LIVES
    ]
    falls = _recent([min(each, 0.0) ** 2 for each in returns], DOWNSIDE)
    described.append(_log(math.sqrt(2 * YEAR * falls) / REFERENCE))
    for life in TRENDS:
        size = math.sqrt(_recent([each**2 for each in returns], life))
        described.append(_recent(returns, life) / max(size, SMALLEST))
    stood = np.concatenate([[0.0], np.cumsum(returns)])
    for sessions in RANGES:
        recent = stood[-(sessions + 1) :]
        described.append(_log((recent.max() - recent.min()) / (REFERENCE * math.sqrt(sessions / YEAR))))
    angles = [
        _angle(intercept, weights, described) for intercept, weights in zip(INTERCEPTS, COEFFICIENTS, strict=True)
    ]
    return _filled(np.array([[math.cos(each), math.sin(each)] for each in angles]).ravel() / math.sqrt(len(angles)))


def scaled(numeric: Floats, text: Floats, articles: int) -> Floats:
    """joint-regime-scaled-v2: each half about its mean, over its scale, which for the text goes by its articles."""
    of_numeric, of_text = _weights()["numeric"], _weights()["text"]
    text_scale = math.sqrt(of_text["scale"] ** 2 + of_text["within"] / articles)
    numeric_part = (numeric - np.array(of_numeric["mean"], np.float32)) * np.float32(3 / of_numeric["scale"])
    return numeric_part + (text - np.array(of_text["mean"], np.float32)) * np.float32(3 / text_scale)


CORE = Space("joint-regime-core-v1", "num-regime-core-v1", path, average)
SCALED = Space("joint-regime-scaled-v2", "num-regime-scaled-v1", profile, scaled)


def of_models(models: Iterable[Mapping[str, Any]]) -> list[Space]:
    """The spaces of a database's rows of `models`; one that is not known here is a KeyError."""
    known = {space.joint_model_id: space for space in (CORE, SCALED)}
    return [known[row["model_id"]] for row in models if row["kind"] == "joint"]


def _filled(numbers: NDArray[Any]) -> Floats:
    vector = np.zeros(DIM, np.float32)
    vector[: len(numbers)] = numbers
    return vector


def _recent(values: Iterable[float], half_life: float) -> float:
    """The mean that the newest value weighs most in; half as much that many sessions earlier."""
    newest_first = list(values)[::-1]
    weights = [0.5 ** (age / half_life) for age in range(len(newest_first))]
    return math.fsum(weight * value for weight, value in zip(weights, newest_first, strict=True)) / math.fsum(weights)


def _log(ratio: float) -> float:
    return min(max(math.log(max(ratio, SMALLEST)), -3.0), 3.0)


def _angle(intercept: float, weights: Sequence[float], described: Sequence[float]) -> float:
    expected = intercept + math.fsum(weight * each for weight, each in zip(weights, described, strict=True))
    return math.pi / 2 * min(max(expected, -2.0), 2.0) / 2


@cache
def _weights() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(WEIGHTS.read_bytes())
    return found
