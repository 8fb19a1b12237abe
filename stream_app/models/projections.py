"""The weights of `projected` joint models: a safetensors file with two towers, and on what they were trained."""

import msgspec
from safetensors import SafetensorError
from safetensors.numpy import load

from stream_app.regime.projected import Projection

HEADER_LENGTH_BYTES = 8


class TrainedOn(msgspec.Struct, frozen=True):
    """What such a file says of the models of its halves; older ones name no fingerprints."""

    numeric_model_id: str
    text_model_id: str
    numeric_fingerprint: str | None = None
    text_fingerprint: str | None = None


class _Metadata(msgspec.Struct):
    training: str | None = None


class _Header(msgspec.Struct):
    metadata: _Metadata = msgspec.field(name="__metadata__", default_factory=_Metadata)


def projection(weights: bytes) -> Projection:
    """The towers. ValueError saying what is wrong with the file."""
    try:
        arrays = load(weights)
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"they are no safetensors file ({error})") from None
    return Projection.of_arrays(arrays)


def trained_on(weights: bytes) -> TrainedOn | None:
    """What a file that `projection` can read was trained on, None where it does not say; ValueError where it says it
    in another way.

    The library reads metadata from a path alone, and the bytes that are read twice may be of two files. So its header
    is read here: its length, little-endian, and then JSON.
    """
    end = HEADER_LENGTH_BYTES + int.from_bytes(weights[:HEADER_LENGTH_BYTES], "little")
    try:
        told = msgspec.json.decode(weights[HEADER_LENGTH_BYTES:end], type=_Header).metadata.training
        return None if told is None else msgspec.json.decode(told, type=TrainedOn)
    except msgspec.DecodeError as error:
        raise ValueError(f"what they were trained on cannot be read ({error})") from None
