"""The days that a trained joint space was fitted on, as its weights tell them. It needs no torch."""

import datetime as dt
from pathlib import Path

import msgspec
from safetensors import SafetensorError, safe_open

METADATA = "training"
"""The one key of the file's metadata, with JSON: several keys are written in an order that changes from run to run."""


class _Side(msgspec.Struct, frozen=True):
    first: dt.date
    last: dt.date


class _Told(msgspec.Struct, frozen=True):
    """Of `joint_space.Trained` what is asked here."""

    train: _Side
    validation: _Side


_decoder = msgspec.json.Decoder(_Told)


def fitted_period(weights: Path) -> tuple[dt.date, dt.date] | None:
    """The first and the last day; None for a file that does not say. The days measured on count: they have chosen the
    epoch."""
    try:
        with safe_open(weights, "numpy") as file:
            told = _decoder.decode((file.metadata() or {}).get(METADATA, ""))
    except (OSError, SafetensorError, msgspec.DecodeError):
        return None
    return told.train.first, told.validation.last
