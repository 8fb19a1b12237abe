"""The packaged models are what databases have their vectors of: their fingerprints, and the bytes that they make.

A test here that fails says that stored vectors could not be made again, or that a worker would refuse its database.
What is to change needs an id of its own.
"""

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from stream_app.models import load_registry
from stream_app.regime.windows import Windows, windows

FINGERPRINTS = {
    "num-regime-core-v1": "ba8c33ba0f2575481372f32f407aad41ccae1ceaaf47bd422e7c480327985b6e",
    "num-regime-scaled-v1": "50f46f4573c38d56ead78c363c4f35237aedc6df8d5d5b4f02ce18365d90dc09",
    "joint-regime-core-v1": "8a31fb3b8d2d2a689788012a6ca2cae96db6ec82de6901d5dd6fc58c91e5a5bc",
    "joint-regime-scaled-v1": "e178783845b325253668b45438a43de276b7d52dd6b76a07b612c75201d78b55",
    "joint-regime-scaled-v2": "5eb3a6394e1d6ab12dea240cf54fa834d170f4e368055ca6e2c856b14b8964d4",
}
"""The core models' as release 0.1.0 registered them: with others no database of it could be opened."""
VECTORS = {
    "num-regime-core-v1": "860162dbb41e7f8c9c16994a4c46ac4c65ed9e704fd8d51c9a7dd801a61f1d65",
    "num-regime-scaled-v1": "d94e54c052c0a5144e534e7791871b71ad25b9df52be241fbc27f93101589240",
    "joint-regime-core-v1": "59a164cb33999dae659e050abaf1ecbabf3569c0b92f5bdd1c25387887de351c",
    "joint-regime-scaled-v1": "b660b95ab02f6ef909f267c0b55879688ebba7e7ee97813d9111b4b671aa0b88",
    "joint-regime-scaled-v2": "2eed810caca9e905c99913a2a8080887f30b031a44cb13c16233587593900836",
}
"""sha256 of what each makes of the same windows or halves; the models of before v2 made it before there was v2, too."""
ARTICLES = np.array([1, 2, 3, 5, 8, 25, 75, 1_000])
NUMERIC = [name for name in FINGERPRINTS if name.startswith("num-")]
JOINT = [name for name in FINGERPRINTS if name.startswith("joint-")]


def numbers(shape: tuple[int, ...], step: int) -> NDArray[np.float32]:
    """Numbers from -0.5 to 0.5 in no order that one sees, the same on every machine."""
    return ((np.arange(int(np.prod(shape))) * step) % 1009 / 1009 - 0.5).reshape(shape).astype(np.float32)


def made_windows() -> Windows:
    """The last 27 of 80 days, of which the first have 54 rows."""
    closes = 100 + numbers((80,), 7919).astype(np.float64) * 10
    dates = np.datetime64("2020-01-01", "D") + np.arange(80)
    return windows(dates, closes, np.zeros(80), dates[53:], 63)


def sha256(vectors: NDArray[np.float32]) -> str:
    return hashlib.sha256(vectors.astype("<f4").tobytes()).hexdigest()


def test_every_packaged_numeric_joint_and_labelling_model_is_pinned_under_its_fingerprint() -> None:
    registry = load_registry()
    known = {model_id: registry.registered(model_id) for model_id in registry.tables}
    assert {name: model.fingerprint for name, model in known.items() if model is not None} == FINGERPRINTS


@pytest.mark.parametrize("model_id", NUMERIC)
def test_a_packaged_numeric_model_makes_the_bytes_that_it_made(model_id: str) -> None:
    made = made_windows()
    assert sha256(load_registry().numeric(model_id).embed(made.features, made.rows)) == VECTORS[model_id]


@pytest.mark.parametrize("model_id", JOINT)
def test_a_packaged_joint_model_makes_the_bytes_that_it_made(model_id: str) -> None:
    numeric, text = numbers((8, 384), 7919), numbers((8, 384), 104_729) / np.float32(16)
    assert sha256(load_registry().joint(model_id).join(numeric, text, ARTICLES)) == VECTORS[model_id]
