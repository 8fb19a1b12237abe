"""Weights are used with the models on whose vectors they were fitted, and with no others."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from stream_app.errors import UsageError
from stream_app.models import JointModel, load_registry
from stream_app.models.projections import trained_on
from stream_app.models.scalings import Fitted, Half, ScalingWeights, TextHalf, encoded
from stream_app.regime import numeric
from stream_app.regime.scaled import Scaling, TextScaling

NUMERIC, TEXT = numeric.fingerprint(20), "t" * 64
MODELS = """
[models.num]
kind = "numeric"
algorithm = "raw-path"
window_days = 20

[models.words]
kind = "text"
algorithm = "mean-pooling"

[models.both]
kind = "joint"
algorithm = "{algorithm}"
inputs = ["num", "words"]
weights = "weights"
"""
ON = {
    "numeric_model_id": "num",
    "numeric_fingerprint": NUMERIC,
    "text_model_id": "words",
    "text_fingerprint": TEXT,
}


def scaled(on: dict[str, Any]) -> bytes:
    mean = np.zeros(384, np.float32)
    fitted = Fitted(**on, regions=["US"], first=dt.date.min, last=dt.date.max, days=2)
    return encoded(ScalingWeights(fitted, Half.of(Scaling(mean, 1.0)), TextHalf.of(TextScaling(mean, 1.0, 1.0))))


def projected(on: dict[str, Any] | None) -> bytes:
    shapes = {"mean": (384,), "scale": (384,), "matrix": (8, 384)}
    arrays = {f"{half}.{part}": np.ones(of, np.float32) for half in ("numeric", "text") for part, of in shapes.items()}
    return save(arrays, None if on is None else {"training": json.dumps(on | {"epochs": 3})})


WEIGHTS = {"scaled": scaled, "projected": projected}
COMMANDS = {"scaled": "stream-app models fit", "projected": "stream-app train joint"}


def loaded(folder: Path, algorithm: str, weights: bytes) -> JointModel:
    (folder / "weights").write_bytes(weights)
    (folder / "models.toml").write_text(MODELS.format(algorithm=algorithm))
    return load_registry(folder / "models.toml").joint("both")


@pytest.mark.parametrize("algorithm", WEIGHTS)
def test_weights_that_were_fitted_on_both_inputs_are_used(tmp_path: Path, algorithm: str) -> None:
    model = loaded(tmp_path, algorithm, WEIGHTS[algorithm](ON))
    assert model.refusal(TEXT) is None
    assert model.refusal("another") == (
        "The weights of both were fitted on vectors of words as it was then, not as it is now: fit "
        f"weights for a model of another id with `{COMMANDS[algorithm]}`, and use that one instead."
    )


@pytest.mark.parametrize("algorithm", WEIGHTS)
@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"numeric_model_id": "other"}, "other as it was then, not of num as it is"),
        ({"numeric_fingerprint": numeric.fingerprint(30)}, "num as it was then, not of num as it is"),
        ({"text_model_id": "other"}, "other as it was then, not of words as it is"),
    ],
)
def test_weights_that_were_fitted_on_another_input_are_refused_with_the_command_that_fits_them(
    tmp_path: Path, algorithm: str, other: dict[str, str], told: str
) -> None:
    sentence = rf"both: its weights \S+weights were fitted on vectors of {told}: fit them again with "
    with pytest.raises(UsageError, match=rf"{sentence}`{COMMANDS[algorithm]}`\.$"):
        loaded(tmp_path, algorithm, WEIGHTS[algorithm](ON | other))


def test_a_projection_that_does_not_say_what_it_was_trained_on_is_taken_at_the_word_of_its_table(
    tmp_path: Path,
) -> None:
    assert loaded(tmp_path, "projected", projected(None)).refusal("any") is None
    ids = {name: ON[name] for name in ("numeric_model_id", "text_model_id")}
    assert loaded(tmp_path, "projected", projected(ids)).refusal("any") is None
    with pytest.raises(UsageError, match="were fitted on vectors of other as it was then, not of words as it is"):
        loaded(tmp_path, "projected", projected(ids | {"text_model_id": "other"}))


def test_a_projection_that_says_it_in_another_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be used: what they were trained on cannot be read \(Object missing"):
        loaded(tmp_path, "projected", projected({"text_model_id": "words"}))
    with pytest.raises(ValueError, match="what they were trained on cannot be read"):
        trained_on((2).to_bytes(8, "little") + b"{")
