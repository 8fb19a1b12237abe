"""Models by id, put together from their tables; a joint model's weights are read when it is first asked for."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from schemas import DIM
from stream_app.encoding.spec import TextModelSpec
from stream_app.errors import UsageError
from stream_app.labelling import file
from stream_app.models.algorithms import (
    JOINT,
    NUMERIC,
    TEXT,
    Parameters,
    RegimesParameters,
    TextParameters,
    WindowParameters,
    fingerprint,
)
from stream_app.models.definitions import JointModel, NumericModel, RegimesModel, TextModel
from stream_app.models.tables import PARAMETERS, Kind, ModelTable, read_tables
from stream_app.regime.hysteresis import Hysteresis
from stream_app.store.models import Model

WEIGHTS_MAX_BYTES = 64 * 1024 * 1024
LABEL_RULES = "softmax of scores|challenge by margin, confirmed|most probable other takes over|6 decimals"
"""What stream_app.regime.labels and hysteresis do beside the parameters."""


class Registry:
    """Every model that there is. Raises UsageError naming the model, and saying what is wrong, where one cannot be."""

    def __init__(self, tables: Mapping[str, ModelTable]) -> None:
        self.tables = tables

    def __contains__(self, model_id: str) -> bool:
        """Whether there is a model of this id."""
        return model_id in self.tables

    def numeric(self, model_id: str) -> NumericModel:
        """A numeric model."""
        table = self._table(model_id, "numeric")
        assert isinstance(table.parameters, WindowParameters)
        algorithm, rows = NUMERIC[table.algorithm], table.parameters.window_days
        return NumericModel(model_id, rows, algorithm.fingerprint(rows), algorithm.embed)

    def text(self, model_id: str) -> TextModel:
        """A text model, not loaded."""
        table = self._table(model_id, "text")
        assert isinstance(table.parameters, TextParameters)
        given = table.parameters
        spec = TextModelSpec(given.source, TEXT[table.algorithm], given.precision, given.projection)
        return TextModel(model_id, spec)

    def joint(self, model_id: str) -> JointModel:
        """A joint model with its inputs."""
        table = self._table(model_id, "joint")
        algorithm, weights = JOINT[table.algorithm], _weights(table)
        try:
            join, of = algorithm.build(table.parameters, weights), algorithm.fitted_on(weights)
        except ValueError as error:
            raise table.refused(f"its weights {table.weights} cannot be used: {error}.") from None
        numeric, text = (self.numeric(table.inputs[0]), self.text(table.inputs[1]))
        if of is not None:
            if of.numeric_model_id != numeric.model_id or of.numeric_fingerprint not in (None, numeric.fingerprint):
                raise _fitted_on_others(table, of.numeric_model_id, numeric.model_id, of.command)
            if of.text_model_id != text.model_id:
                raise _fitted_on_others(table, of.text_model_id, text.model_id, of.command)
        return JointModel(model_id, numeric, text, algorithm.fingerprint(table.parameters, weights), join, of)

    def regimes(self, model_id: str) -> RegimesModel:
        """A fitted labeller of the vectors of its numeric model."""
        table = self._table(model_id, "regimes")
        assert isinstance(table.parameters, RegimesParameters) and table.weights is not None
        numeric, given = self.numeric(table.inputs[0]), table.parameters
        try:
            read, data = file.read(table.weights)
        except UsageError as error:
            raise table.refused(str(error)) from None
        if type(read).__struct_config__.tag != table.algorithm:
            raise table.refused(f"its weights {table.weights} are of another algorithm than {table.algorithm}.")
        if (read.numeric_model_id, read.numeric_fingerprint) != (numeric.model_id, numeric.fingerprint):
            raise _fitted_on_others(table, read.numeric_model_id, numeric.model_id, "stream-app regimes fit")
        try:
            rule = Hysteresis(given.confirm_sessions, given.margin, given.history_sessions)
        except ValueError as error:
            raise table.refused(f"{error}.") from None
        print_of = _labels_fingerprint(table.algorithm, given, data)
        return RegimesModel(model_id, numeric, read.labels, read.fitted(), rule, given.regions, print_of)

    def fitted_anew(self, model_id: str, kind: Kind, algorithm: str, weights: bytes) -> Model:
        """The model of an id, as the database would know it, with other weights and the parameters of its table.

        A model that there is not yet, or whose table has another algorithm, has the algorithm's own parameters.
        """
        table = self.tables.get(model_id)
        known = table is not None and (table.kind, table.algorithm) == (kind, algorithm)
        parameters = table.parameters if table is not None and known else PARAMETERS[kind][algorithm]()
        if isinstance(parameters, RegimesParameters):
            return Model(model_id, kind, DIM, _labels_fingerprint(algorithm, parameters, weights))
        return Model(model_id, kind, DIM, JOINT[algorithm].fingerprint(parameters, weights))

    def registered(self, model_id: str) -> Model | None:
        """A model as the database knows it; None for a text model, whose fingerprint is known once it is loaded."""
        match self.tables[model_id].kind:
            case "numeric":
                return self.numeric(model_id).registered
            case "joint":
                return self.joint(model_id).registered
            case "regimes":
                return self.regimes(model_id).registered
            case "text":
                return None

    def of_kind(self, kind: Kind) -> Iterable[str]:
        """The ids of the models of a kind, in the order of the files."""
        return [table.model_id for table in self.tables.values() if table.kind == kind]

    def _table(self, model_id: str, kind: Kind) -> ModelTable:
        table = self.tables.get(model_id)
        if table is None:
            known, parted = ", ".join(self.of_kind(kind)), model_id.split()
            hint = " Part ids by commas." if len(parted) > 1 and any(name in self.tables for name in parted) else ""
            raise UsageError(f"There is no model {model_id}; {kind} models are {known}.{hint}")
        if table.kind != kind:
            raise UsageError(f"{model_id} is a {table.kind} model; {kind} models are {', '.join(self.of_kind(kind))}.")
        return table


def _labels_fingerprint(algorithm: str, given: RegimesParameters, weights: bytes) -> str:
    # Where days are labelled says nothing of how: a region more leaves the labels of the others as they are.
    how = given.model_copy(update={"regions": ()})
    return fingerprint(f"{algorithm}|{LABEL_RULES}", how, weights)


def raw_path(model_id: str, window_days: int) -> NumericModel:
    """A numeric model that no file has: the original's algorithm under an id of the caller's."""
    algorithm = NUMERIC["raw-path"]
    return NumericModel(model_id, window_days, algorithm.fingerprint(window_days), algorithm.embed)


def average(model_id: str, numeric: NumericModel, text: TextModel) -> JointModel:
    """A joint model that no file has: the original's algorithm under an id of the caller's."""
    algorithm, none = JOINT["average"], Parameters()
    return JointModel(model_id, numeric, text, algorithm.fingerprint(none, b""), algorithm.build(none, b""))


def load_registry(models_file: Path | None = None) -> Registry:
    """The packaged models and those of a file. UsageError naming file and model, and saying what is wrong."""
    return Registry(read_tables(models_file))


def _weights(table: ModelTable) -> bytes:
    """The bytes of a model's weights, none where its algorithm takes none."""
    if table.weights is None:
        return b""
    try:
        with table.weights.open("rb") as file:
            found = file.read(WEIGHTS_MAX_BYTES + 1)
    except OSError as error:
        raise table.refused(f"its weights {table.weights} cannot be read: {error.strerror}.") from None
    if len(found) > WEIGHTS_MAX_BYTES:
        raise table.refused(f"its weights {table.weights} have over {WEIGHTS_MAX_BYTES:,} bytes.")
    return found


def _fitted_on_others(table: ModelTable, then: str, now: str, command: str) -> UsageError:
    return table.refused(
        f"its weights {table.weights} were fitted on vectors of {then} as it was then, not of {now} as it is: fit them "
        f"again with `{command}`."
    )
