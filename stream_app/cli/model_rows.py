"""What `models list` and `models check` print: the models of the files beside those that the database knows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stream_app.cli.output import put, say
from stream_app.errors import UsageError

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.models import Registry
    from stream_app.store.models import Model

LISTED = ("model", "kind", "algorithm", "dim", "inputs", "in use", "registered")
CHECKED = ("model", "kind", "loaded", "registered")
YES, NO, ANOTHER, NOT_KNOWN = "yes", "no", "another", "?"

Row = Sequence[str]
Registered = Mapping[str, "Model"]
"""What the database knows, by id."""


def in_use(registry: "Registry", settings: "Settings") -> set[str] | None:
    """The models that workers compute; None, and it is said why, where none would start."""
    from stream_app.models.in_use import chosen  # noqa: PLC0415 - so that --help is fast

    try:
        used = chosen(registry, settings)
    except UsageError as error:
        say(f"No worker would start: {error}")
        return None
    return {used.text.model_id, *(model.model_id for model in used.registered)}


def whether_in_use(model_id: str, used: set[str] | None) -> str:
    """What a list says of it."""
    if used is None:
        return NOT_KNOWN
    return YES if model_id in used else NO


def listed(registry: "Registry", used: set[str] | None, registered: Registered | None) -> list[Row]:
    """A row of LISTED for every model of the files and then of the database alone; None: it is not known."""
    from schemas import DIM  # noqa: PLC0415 - so that --help is fast

    rows: list[Row] = []
    for model_id, table in registry.tables.items():
        made_of, known = " ".join(table.inputs) or "-", _known(registry, model_id, registered)
        state = whether_in_use(model_id, used)
        rows.append((model_id, table.kind, table.algorithm, str(DIM), made_of, state, known))
    for model in others(registry, registered or {}):
        rows.append((model.model_id, model.kind, "-", str(model.dim), "-", NO, YES))
    return rows


def state(model: "Model", registered: Registered) -> str:
    """Whether the database knows a model, or another one under its id."""
    if model.model_id not in registered:
        return NO
    return YES if registered[model.model_id] == model else ANOTHER


def others(registry: "Registry", registered: Registered) -> "list[Model]":
    """The models of the database that no file has."""
    return [model for model_id, model in sorted(registered.items()) if model_id not in registry]


def summary(registry: "Registry", rows: Sequence[Row], registered: Registered) -> str:
    """What rows of CHECKED come to, and which models the database has beside them."""
    loaded, known = (sum(row[column] == YES for row in rows) for column in (2, 3))
    names = [model.model_id for model in others(registry, registered)]
    more = f" The database has {len(names)} more, which no file has: {', '.join(names)}." if names else ""
    return f"{loaded} of {len(rows)} models are loaded, {known} of them registered.{more}"


def put_table(columns: Row, rows: Sequence[Row]) -> None:
    """Print columns as wide as their widest field."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        put("  ".join(field.ljust(width) for field, width in zip(row, widths, strict=True)).rstrip())


def _known(registry: "Registry", model_id: str, registered: Registered | None) -> str:
    """The state of a model, which is said where it cannot be used; of a text model its id alone is looked at."""
    if registered is None:
        return NOT_KNOWN
    try:
        model = registry.registered(model_id)
    except UsageError as error:
        say(str(error))
        return NOT_KNOWN
    if model is None:
        return YES if model_id in registered else NO
    return state(model, registered)
