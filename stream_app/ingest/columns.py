"""Which column of a file gives which field: by its name, or as the user maps it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stream_app.errors import UsageError
from stream_app.ingest.kinds import Event, Kind

NAMED_COLUMNS = 20
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table and the field that it gives; None: the event does not know it."""

    name: str
    field: str | None


def renamed(kind: Kind[Event], words: Sequence[str]) -> Kind[Event]:
    """The kind with columns renamed as `close=adj_close` says: field, then column. Raises UsageError."""
    by_field: dict[str, str] = {}
    for word in words:
        name, column = _field_and_column(kind, word)
        if name in by_field or column in by_field.values():
            raise UsageError(f"--map {word}: {name if name in by_field else column!r} is mapped twice.")
        by_field[name] = column
    return replace(kind, renamed={column: name for name, column in by_field.items()})


def columns(path: Path, names: Sequence[str], kind: Kind[Any]) -> list[Column]:
    """The columns of a table with this header. Raises UsageError where one is needed that is not there."""
    names = [name.strip() for name in names]
    fields = kind.fields_by_column()
    found = [Column(name, fields.get(name) or _field_named(name.lower(), fields)) for name in names]
    given = {column.field for column in found}
    lacking = [" or ".join(choice) for choice in kind.needed if not given & set(choice)]
    unmapped = [column for column, name in kind.renamed.items() if name not in given]
    if lacking or unmapped:
        raise UsageError(_lacking(path, names, kind, lacking, unmapped))
    _check_unique(path, found)
    return found


def _field_and_column(kind: Kind[Any], word: str) -> tuple[str, str]:
    name, equals, column = (part.strip() for part in word.partition("="))
    if not (name and equals and column):
        raise UsageError(f"--map {word}: write FIELD=COLUMN, as in --map {kind.key}=name.")
    if name not in kind.cells:
        raise UsageError(f"--map {word}: {kind.noun} have no field {name!r}; their fields are {', '.join(kind.cells)}.")
    return name, column


def _field_named(name: str, fields: dict[str, str]) -> str | None:
    """The field that the header means by this name in lower case; one that the user has mapped is not meant."""
    return name if fields.get(name) == name else None


def _lacking(path: Path, names: Sequence[str], kind: Kind[Any], lacking: list[str], unmapped: list[str]) -> str:
    found = ", ".join(map(repr, names[:NAMED_COLUMNS])) + (", …" if len(names) > NAMED_COLUMNS else "") or "none"
    if len(names) == 1 and (between := next((told for mark, told in OTHER_SEPARATORS.items() if mark in names[0]), "")):
        return f"{path} has {between} between its columns; ingest reads CSV with commas."
    if unmapped:
        return f"{path} has the columns {found}; --map also needs {', '.join(map(repr, unmapped))}."
    return (
        f"{path} has the columns {found}; {kind.noun} also need {', '.join(lacking)} "
        f"(known are {', '.join(kind.cells)}; --map FIELD=COLUMN names a column that is called otherwise)."
    )


def _check_unique(path: Path, found: Sequence[Column]) -> None:
    seen: set[tuple[bool, str]] = set()
    for column in found:
        key = (column.field is None, column.field or column.name)
        if key in seen:
            raise UsageError(f"{path} has the column {column.name!r} more than once.")
        seen.add(key)
