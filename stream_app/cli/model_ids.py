"""Ids of models on the command line, held to what a setting of the same meaning is held to."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import re

import typer


def a_model_id(text: str) -> str:
    """The id. Raises BadParameter in one sentence where no setting could be it."""
    from stream_app.config import MODEL_ID

    if not re.fullmatch(MODEL_ID, text):
        raise typer.BadParameter(f"{text!r} is no model's id, which has 1 to 200 characters and no |.")
    return text
