"""Models files of tests: the core models with windows or weights of the test's own, and others beside them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

CORE = "joint-regime-core-v1"
PARAMETERS = ("window_days", "text_model", "more_models")


def write_models(
    folder: Path, *, window_days: int = 63, text_model: str | Path | None = None, more_models: str = ""
) -> Path:
    """A models file in the folder: core with windows of so many rows and a text model's folder, then `more_models`."""
    source = "" if text_model is None else f'source = "{text_model}"\n'
    path = folder / "models.toml"
    path.write_text(
        f'[models."num-regime-core-v1"]\nkind = "numeric"\nalgorithm = "raw-path"\nwindow_days = {window_days}\n'
        f'[models."text-fin-general-v1"]\nkind = "text"\nalgorithm = "mean-pooling"\n{source}{more_models}',
        encoding="utf-8",
    )
    return path


def with_models(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in which `write_models` parameters may stand: of the core model alone, unless they name others."""
    given = {name: value for name, value in settings.items() if name in PARAMETERS}
    others = {name: value for name, value in settings.items() if name not in PARAMETERS}
    file = {"models_file": write_models(folder, **given)} if given else {}
    return {"joint_models": (CORE,), **file, **others}
