"""Models files of tests: the core models with windows or weights of the test's own, and others beside them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from stream_app.config import Settings
from stream_app.encoding import TextModelSpec
from stream_app.encoding.model_files import fingerprint
from stream_app.models.scalings import decoded, encoded
from stream_app.models.tables import PACKAGED_MODELS

CORE = "joint-regime-core-v1"
SCALED = "joint-regime-scaled-v2"
DEFAULT: tuple[str, ...] = Settings.model_fields["joint_models"].default
"""Whose contexts a worker computes where nothing is set."""
PARAMETERS = ("window_days", "text_model", "scaled_on", "more_models")


def write_models(
    folder: Path,
    *,
    window_days: int = 63,
    text_model: str | Path | None = None,
    scaled_on: str | None = None,
    more_models: str = "",
) -> Path:
    """A models file in the folder: core with windows of so many rows and a text model's folder, then `more_models`.

    `scaled_on`: the packaged scaled model, as if it were fitted on texts of a model with this fingerprint.
    """
    source = "" if text_model is None else f'source = "{text_model}"\n'
    scaled = "" if scaled_on is None else _scaled_table(folder, scaled_on)
    path = folder / "models.toml"
    path.write_text(
        f'[models."num-regime-core-v1"]\nkind = "numeric"\nalgorithm = "raw-path"\nwindow_days = {window_days}\n'
        f'[models."text-fin-general-v1"]\nkind = "text"\nalgorithm = "mean-pooling"\n{source}{scaled}{more_models}',
        encoding="utf-8",
    )
    return path


@cache
def fingerprint_of(text_model: Path) -> str:
    """By what a database knows the text model in a folder."""
    return fingerprint(text_model, TextModelSpec(), "float32")


def with_models(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in which `write_models` parameters may stand: of the core model alone, unless they name others."""
    given = {name: value for name, value in settings.items() if name in PARAMETERS}
    others = {name: value for name, value in settings.items() if name not in PARAMETERS}
    file = {"models_file": write_models(folder, **given)} if given else {}
    return {"joint_models": (CORE,), **file, **others}


def _scaled_table(folder: Path, text_fingerprint: str) -> str:
    packaged = decoded((PACKAGED_MODELS.parent / "models" / f"{SCALED}.json").read_bytes())
    weights = folder / f"{SCALED}.json"
    weights.write_bytes(encoded(replace(packaged, fitted=replace(packaged.fitted, text_fingerprint=text_fingerprint))))
    return (
        f'[models."{SCALED}"]\nkind = "joint"\nalgorithm = "scaled"\nweights = "{weights.name}"\n'
        'inputs = ["num-regime-scaled-v1", "text-fin-general-v1"]\n'
    )
