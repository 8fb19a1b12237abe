"""Models that the seed commands are asked for: those of the models files, and others by the original's algorithms."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.models import JointModel, NumericModel, Registry, TextModel


def a_model_id(text: str) -> str:
    """The id. Raises BadParameter in one sentence where no setting could be it."""
    from stream_app.model_id import MODEL_ID, told

    if MODEL_ID.fullmatch(text) is None:
        raise typer.BadParameter(f"{told(text)}.")
    return text


def numeric_model(settings: "Settings", model_id: str | None, window_days: int | None) -> "NumericModel":
    """The one of this id, or the first joint model's; an unknown id is a raw path of its own.

    Raises UsageError for a window that is too large, or not that of the model.
    """
    from stream_app.errors import UsageError
    from stream_app.models.registry import load_registry, raw_path
    from stream_app.regime.windows import check_window_days

    registry = load_registry(settings.models_file)
    usual = _usual(registry, settings).numeric
    model = registry.numeric(model_id) if model_id is not None and model_id in registry else usual
    rows = model.window_days if window_days is None else window_days
    try:
        check_window_days(rows)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if model_id is not None and model_id not in registry:
        return raw_path(model_id, rows)
    if rows != model.window_days:
        raise UsageError(
            f"{model.model_id} is made of windows of {model.window_days} rows (window_days in its models file): "
            f"name a model of {rows} rows with --model-id."
        )
    return model


def text_model(settings: "Settings", model_id: str | None) -> "TextModel":
    """The one of this id, or the first joint model's; an unknown id is another name of that one's weights."""
    from stream_app.models.registry import load_registry

    registry = load_registry(settings.models_file)
    return _text_model(registry, model_id, _usual(registry, settings).text)


def joint_model(
    settings: "Settings", model_id: str | None, numeric_model_id: str | None, text_model_id: str | None
) -> "JointModel":
    """The one of this id, or the first one; an unknown id is an average of its own, of the models that are named.

    Raises UsageError where a known one is asked for with other models than its own.
    """
    from stream_app.errors import UsageError
    from stream_app.models.registry import average, load_registry, raw_path

    registry = load_registry(settings.models_file)
    usual = _usual(registry, settings)
    known = registry.joint(model_id) if model_id is not None and model_id in registry else usual
    numeric, text = numeric_model_id or known.numeric.model_id, text_model_id or known.text.model_id
    if model_id is None or model_id in registry:
        if (numeric, text) != (known.numeric.model_id, known.text.model_id):
            raise UsageError(
                f"The contexts of {known.model_id} are made of {known.numeric.model_id} and {known.text.model_id}, "
                f"not of {numeric} and {text}: name another joint model with --joint-model-id."
                f"{_made_of(registry, numeric, text)}"
            )
        return known
    of_numeric = registry.numeric(numeric) if numeric in registry else raw_path(numeric, usual.numeric.window_days)
    return average(model_id, of_numeric, _text_model(registry, text, usual.text))


def _made_of(registry: "Registry", numeric: str, text: str) -> str:
    """A sentence on the joint models that are made of such halves, if there are any."""
    tables = (registry.tables[model_id] for model_id in registry.of_kind("joint"))
    found = [table.model_id for table in tables if table.inputs == (numeric, text)]
    return f" Made of these: {', '.join(found)}." if found else ""


def _usual(registry: "Registry", settings: "Settings") -> "JointModel":
    return registry.joint(settings.joint_models[0])


def _text_model(registry: "Registry", model_id: str | None, usual: "TextModel") -> "TextModel":
    from stream_app.models import TextModel

    if model_id is None:
        return usual
    return registry.text(model_id) if model_id in registry else TextModel(model_id, usual.spec)
