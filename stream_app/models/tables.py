"""The models file: its tables read, each checked by itself and for the inputs that it names."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from stream_app.errors import UsageError
from stream_app.model_id import ModelId
from stream_app.models.algorithms import (
    JOINT,
    NUMERIC,
    REGIMES,
    TEXT,
    Parameters,
    RegimesParameters,
    TextParameters,
    WindowParameters,
)
from stream_app.toml_files import first_problem, read_toml

PACKAGED_MODELS = Path(__file__).parent.parent / "models.toml"
LARGEST_MODELS = 1_000

Kind = Literal["numeric", "text", "joint", "regimes"]
INPUTS: Mapping[Kind, tuple[Kind, ...]] = {
    "numeric": (),
    "text": (),
    "joint": ("numeric", "text"),
    "regimes": ("numeric",),
}
"""Of which kinds a model's inputs are, one of each."""


class _Table(BaseModel):
    """What the tables of all kinds may have; what is left are the algorithm's parameters."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: Kind
    algorithm: str
    inputs: Annotated[tuple[ModelId, ...], Field(max_length=8)] = ()
    weights: Annotated[str | None, Field(min_length=1, max_length=4096)] = None


PARAMETERS: Mapping[Kind, Mapping[str, type[Parameters]]] = {
    "numeric": dict.fromkeys(NUMERIC, WindowParameters),
    "text": dict.fromkeys(TEXT, TextParameters),
    "regimes": dict.fromkeys(REGIMES, RegimesParameters),
    "joint": {name: algorithm.parameters for name, algorithm in JOINT.items()},
}
"""Of the algorithms of each kind, by name."""

_Tables = TypeAdapter(Annotated[dict[ModelId, dict[str, Any]], Field(min_length=1, max_length=LARGEST_MODELS)])


@dataclass(frozen=True, slots=True)
class ModelTable:
    """One model as its file has it."""

    model_id: str
    kind: Kind
    algorithm: str
    parameters: Parameters
    inputs: tuple[str, ...]
    """In the order of its kind's INPUTS."""
    weights: Path | None
    file: Path

    def refused(self, what: str) -> UsageError:
        """Says what is wrong with the model, and where it stands."""
        return _refused(self.file, self.model_id, what)


def read_tables(models_file: Path | None) -> dict[str, ModelTable]:
    """The packaged models and those of a file, by id; a file's model takes the place of a packaged one of its id.

    Raises UsageError naming the file and the model, and saying what is wrong.
    """
    tables = _read(PACKAGED_MODELS) | ({} if models_file is None else _read(models_file))
    return {model_id: _with_inputs(table, tables) for model_id, table in tables.items()}


def _read(file: Path) -> dict[str, ModelTable]:
    content = read_toml(file, "models")
    if not content and file != PACKAGED_MODELS:
        return {}  # as a shell makes it that adds a command's output to it, before the command reads it
    if others := sorted(content.keys() - {"models"}):
        raise UsageError(f"The models file {file} has {others[0]}, but only [models.ID] tables belong there.")
    if not isinstance(content.get("models"), dict) or not content["models"]:
        raise UsageError(f"The models file {file} has no [models.ID] table.")
    try:
        tables = _Tables.validate_python(content["models"])
    except ValidationError as error:
        raise UsageError(f"The models file {file}: {first_problem(error)}") from None
    return {model_id: _table(file, model_id, given) for model_id, given in tables.items()}


def _table(file: Path, model_id: str, given: Mapping[str, Any]) -> ModelTable:
    try:
        table = _Table.model_validate(given)
        parameters = _parameters_of(file, model_id, table).model_validate(table.model_extra)
    except ValidationError as error:
        raise _refused(file, model_id, first_problem(error)) from None
    if isinstance(parameters, TextParameters):
        parameters = parameters.beside(file.parent)
    weights = None if table.weights is None else file.parent / table.weights
    has_weights = table.kind == "regimes" or (table.kind == "joint" and JOINT[table.algorithm].has_weights)
    if (weights is not None) != has_weights:
        what = "needs weights, a file." if weights is None else "takes no weights."
        raise _refused(file, model_id, f"the algorithm {table.algorithm} {what}")
    return ModelTable(model_id, table.kind, table.algorithm, parameters, table.inputs, weights, file)


def _parameters_of(file: Path, model_id: str, table: _Table) -> type[Parameters]:
    of_kind = PARAMETERS[table.kind]
    if table.algorithm not in of_kind:
        there_are = f"for a {table.kind} model there is {' or '.join(of_kind)}"
        raise _refused(file, model_id, f"there is no algorithm {table.algorithm}; {there_are}.")
    return of_kind[table.algorithm]


def _with_inputs(table: ModelTable, tables: Mapping[str, ModelTable]) -> ModelTable:
    """The table with its inputs in the order of their kinds."""
    for name in table.inputs:
        if name not in tables:
            raise table.refused(f"its input {name} is no model that there is.")
    kinds = INPUTS[table.kind]
    given = sorted((tables[name] for name in table.inputs), key=lambda each: each.kind)
    if sorted(kinds) != [each.kind for each in given]:
        wanted = " and ".join(f"one {kind} model" for kind in kinds) or "no model"
        others = [
            f" {each.model_id} is a {each.kind} model of {each.file}." for each in given if each.kind not in kinds
        ]
        raise table.refused(f"its inputs must be {wanted}.{''.join(others)}")
    by_kind = {each.kind: each.model_id for each in given}
    return replace(table, inputs=tuple(by_kind[kind] for kind in kinds))


def _refused(file: Path, model_id: str, what: str) -> UsageError:
    return UsageError(f"The models file {file}: {model_id}: {what}")
