"""The weights of `scaled` joint models: a JSON file with what was fitted of both halves, and on what."""

import datetime as dt
from typing import Annotated

import msgspec
import numpy as np

from schemas import DIM
from stream_app.regime.scaled import Scaling, check_scaling


class Half(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One half's fitted mean and scale."""

    mean: Annotated[list[float], msgspec.Meta(min_length=DIM, max_length=DIM)]
    scale: float

    @classmethod
    def of(cls, fitted: Scaling) -> "Half":
        """The shortest decimals that give back the same float32."""
        return cls([float(str(number)) for number in fitted.mean], fitted.scale)

    def scaling(self) -> Scaling:
        """Checked; raises ValueError."""
        found = Scaling(np.array(self.mean, np.float32), self.scale)
        check_scaling(found)
        return found


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
    text: Half


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
