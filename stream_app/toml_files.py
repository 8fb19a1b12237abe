"""TOML files that people write: settings, regions and models, and what is wrong with one in a sentence."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stream_app.errors import UsageError

FILE_MAX_BYTES = 1024 * 1024


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """A TOML file of a bounded size; `what` is in it. Raises UsageError in one sentence where it cannot be read."""
    try:
        with path.open("rb") as file:
            found = file.read(FILE_MAX_BYTES + 1)
        if len(found) > FILE_MAX_BYTES:
            raise UsageError(f"The {what} file {path} has over {FILE_MAX_BYTES:,} bytes.")
        return tomllib.loads(found.decode())
    except OSError as error:
        raise UsageError(f"The {what} file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The {what} file {path} is not valid TOML: {error}.") from None


def first_problem(error: ValidationError) -> str:
    """What is wrong and where, as a sentence without the value."""
    problem = error.errors(include_input=False, include_url=False)[0]
    return ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"]))) + "."
