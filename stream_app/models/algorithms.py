"""The algorithms that a models file may name, by kind and name, each with its parameters."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.numpy import load

from stream_app.encoding.spec import Pooling, Precision
from stream_app.models.definitions import Embed, Floats, Join
from stream_app.models.scalings import decoded
from stream_app.regime import joint, numeric, projected, scaled, volatility_profile
from stream_app.regime.hysteresis import LARGEST_HISTORY_SESSIONS
from stream_app.regime.scaled import ScaledJoin
from stream_app.regime.windows import LARGEST_WINDOW_DAYS


class Parameters(BaseModel):
    """What a model's table may hold beside its kind, algorithm, inputs and weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowParameters(Parameters):
    """Of every numeric algorithm: the rows of its window."""

    window_days: Annotated[int, Field(ge=2, le=LARGEST_WINDOW_DAYS)] = 63


class TextParameters(Parameters):
    """Of every text algorithm (see `TextModelSpec`). A folder and a projection may be relative to the models file."""

    source: Annotated[str | None, Field(min_length=1, max_length=4096)] = None
    precision: Precision = "float32"
    projection: Path | None = None

    def beside(self, folder: Path) -> "TextParameters":
        """The same with what is relative to the folder found there."""
        found: dict[str, str | Path] = {}
        if self.source is not None and (folder / self.source).is_dir():
            found["source"] = str(folder / self.source)
        if self.projection is not None:
            found["projection"] = folder / self.projection
        return self.model_copy(update=found)


class ScaledParameters(Parameters):
    """The usual length of each half in a joint vector."""

    numeric_weight: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] = 3.0
    text_weight: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] = 3.0


class RegimesParameters(Parameters):
    """Of every regimes algorithm: when a label changes, and in which regions days are labelled (none named: in all)."""

    confirm_sessions: Annotated[int, Field(ge=1, le=LARGEST_HISTORY_SESSIONS)] = 5
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.1
    history_sessions: Annotated[int, Field(ge=2, le=LARGEST_HISTORY_SESSIONS)] = 63
    regions: Annotated[tuple[str, ...], Field(max_length=1_000)] = ()


@dataclass(frozen=True, slots=True)
class NumericAlgorithm:
    """A pure function of windows, and the fingerprint of what it does with windows of so many rows."""

    embed: Embed
    fingerprint: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class JointAlgorithm:
    """How a join is made of parameters and the bytes of weights, with its fingerprint.

    Without `has_weights` it takes none. `build` raises ValueError saying what is wrong with the weights. `fitted_on`:
    the id and fingerprint of the numeric model whose vectors the weights were fitted on; None where they do not say.
    """

    parameters: type[Parameters]
    has_weights: bool
    build: Callable[[Any, bytes], Join]
    fingerprint: Callable[[Parameters, bytes], str]
    fitted_on: Callable[[bytes], tuple[str, str] | None] = lambda _: None


def fingerprint(rules: str, parameters: Parameters, weights: bytes) -> str:
    """sha256, hexadecimal, of all that a model's vectors depend on beside its inputs; `rules` says its formula."""
    given = json.dumps(parameters.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(f"{rules}|{given}|{hashlib.sha256(weights).hexdigest()}".encode()).hexdigest()


def _of_any_number(join: Callable[[Floats, Floats], Floats]) -> Join:
    """A join to which it is all the same of how many articles a text half is the mean."""
    return lambda numeric, text, _: join(numeric, text)


def _scaled_fingerprint(parameters: Parameters, weights: bytes) -> str:
    rules = scaled.RULES_BY_ARTICLES if decoded(weights).text.within else scaled.RULES
    return fingerprint(f"scaled|{rules}", parameters, weights)


def _scaled(parameters: ScaledParameters, weights: bytes) -> Join:
    found = decoded(weights)
    numeric_half, text_half = found.numeric.scaling(), found.text.scaling()
    return ScaledJoin(numeric_half, text_half, parameters.numeric_weight, parameters.text_weight)


def _scaled_on(weights: bytes) -> tuple[str, str]:
    fitted = decoded(weights).fitted
    return fitted.numeric_model_id, fitted.numeric_fingerprint


def _projected(parameters: Parameters, weights: bytes) -> Join:
    del parameters
    try:
        arrays = load(weights)
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"they are no safetensors file ({error})") from None
    return _of_any_number(projected.Projection.of_arrays(arrays).join)


NUMERIC: Mapping[str, NumericAlgorithm] = {
    "raw-path": NumericAlgorithm(lambda features, rows: numeric.embed(features), numeric.fingerprint),
    "volatility-profile": NumericAlgorithm(volatility_profile.embed, volatility_profile.fingerprint),
}
TEXT: Mapping[str, Pooling] = {"mean-pooling": "mean", "cls-pooling": "cls"}
REGIMES = ("prototypes", "mixture")
"""As the fitted file calls itself, too."""
JOINT: Mapping[str, JointAlgorithm] = {
    "average": JointAlgorithm(
        Parameters, False, lambda *_: _of_any_number(joint.joint), lambda *_: joint.fingerprint()
    ),
    "projected": JointAlgorithm(Parameters, True, _projected, partial(fingerprint, projected.RULES)),
    "scaled": JointAlgorithm(ScaledParameters, True, _scaled, _scaled_fingerprint, _scaled_on),
}
