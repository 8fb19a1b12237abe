"""What a model's id may be, in settings, models files and commands, and a list of them."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

MODEL_ID = re.compile(r"[^|\s](?:[^|]{0,198}[^|\s])?")
NO_MODEL_ID = "is no model's id, which has 1 to 200 characters, no | and no space at its ends"
"""A key of several parts is joined by |; the ids of a list may have spaces around them."""
SHOWN_CHARACTERS = 40


def told(given: str) -> str:
    """That a text is no model's id, however long it is."""
    shown = given if len(given) <= SHOWN_CHARACTERS else given[:SHOWN_CHARACTERS] + "…"
    return f"{shown!r} {NO_MODEL_ID}"


def _checked(given: str) -> str:
    if MODEL_ID.fullmatch(given) is None:
        raise PydanticCustomError("model_id", "{told}", {"told": told(given)})
    return given


def _parted(given: object) -> object:
    if not isinstance(given, str):
        return given
    return [name.strip() for name in given.split(",")] if given.strip() else []


def _named_once(given: tuple[str, ...]) -> tuple[str, ...]:
    """Without any there would be no context, and of one that is named twice each would be made twice."""
    if not given:
        raise PydanticCustomError("none", "no model is named; name one at least, or leave the setting out")
    for index, name in enumerate(given):
        if name in given[:index]:
            raise PydanticCustomError("twice", "{name} is named twice; name it once", {"name": name})
    return given


ModelId = Annotated[str, AfterValidator(_checked)]
ModelIds = Annotated[tuple[ModelId, ...], NoDecode, BeforeValidator(_parted), AfterValidator(_named_once)]
"""At least one. Of a variable or a flag they are parted by commas; in a file they are a list."""
