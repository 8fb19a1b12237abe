"""The weights of `scaled` joint models: a JSON file with what was fitted of both halves, and on what."""

import datetime as dt
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.regime.scaled import Scaling, TextScaling, check_scaling


class Half(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numeric half's fitted mean and scale."""

    mean: Annotated[list[float], msgspec.Meta(min_length=DIM, max_length=DIM)]
    scale: float

    @classmethod
    def of(cls, fitted: Scaling) -> "Half":
        """The shortest decimals that give back the same float32."""
        return cls(_decimals(fitted.mean), fitted.scale)

    def scaling(self) -> Scaling:
        """Checked; raises ValueError."""
        mean = np.array(self.mean)
        check_scaling(mean, self.scale)
        return Scaling(mean.astype(np.float32), self.scale)


class TextHalf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The text half's fitted mean and components of variance; older files have one scale for any number of articles."""

    mean: Annotated[list[float], msgspec.Meta(min_length=DIM, max_length=DIM)]
    scale: float
    within: float = 0.0

    @classmethod
    def of(cls, fitted: TextScaling) -> "TextHalf":
        """As the numeric half's."""
        return cls(_decimals(fitted.mean), fitted.scale, fitted.within)

    def scaling(self) -> TextScaling:
        """Checked; raises ValueError."""
        mean = np.array(self.mean)
        check_scaling(mean, self.scale, self.within)
        return TextScaling(mean.astype(np.float32), self.scale, self.within)


class Fitted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which days of which stored vectors it was fitted on."""

    numeric_model_id: str
    numeric_fingerprint: str
    text_model_id: str
    text_fingerprint: str
    regions: list[str]
    first: dt.date
    last: dt.date
    days: int


class ScalingWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    fitted: Fitted
    numeric: Half
    text: TextHalf


_decoder = msgspec.json.Decoder(ScalingWeights)


def decoded(weights: bytes) -> ScalingWeights:
    """The file's content; ValueError saying what is wrong with it."""
    try:
        return _decoder.decode(weights)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


def encoded(weights: ScalingWeights) -> bytes:
    """The same content gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(weights), indent=1) + b"\n"


def _decimals(mean: NDArray[np.float32]) -> list[float]:
    return [float(str(number)) for number in mean]
