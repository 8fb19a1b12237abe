"""The models that a worker computes: the joint ones that its settings name, and what those are made of."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from stream_app.config import Settings
from stream_app.errors import UsageError
from stream_app.models.definitions import JointModel, NumericModel, RegimesModel, TextModel
from stream_app.models.registry import Registry, load_registry
from stream_app.store.models import Model


@dataclass(frozen=True, slots=True)
class LookBack:
    """How far back a day's contexts look: the rows of the longest window, as of so many sessions, its own included."""

    window_days: int
    history_sessions: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class ModelsInUse:
    """The joint models, at least one, in the order of the settings, and their inputs, each once."""

    joint: tuple[JointModel, ...]
    numeric: tuple[NumericModel, ...]
    text: TextModel
    regimes: tuple[RegimesModel, ...] = ()
    """Every one that there is of the numeric models; of each at most one for a region."""

    @property
    def registered(self) -> list[Model]:
        """All but the text model as the database knows them."""
        models: tuple[NumericModel | JointModel | RegimesModel, ...] = (*self.numeric, *self.joint, *self.regimes)
        return [model.registered for model in models]

    @property
    def longest_window_days(self) -> int:
        """The rows of the longest numeric window."""
        return max(model.window_days for model in self.numeric)

    @property
    def look_back(self) -> LookBack:
        """What any of the models needs; without fitted regimes the day's own session alone."""
        sessions = max((model.rule.history_sessions for model in self.regimes), default=1)
        return LookBack(self.longest_window_days, sessions)

    def labeller(self, numeric_model_id: str, region: str) -> RegimesModel | None:
        """Who labels a region's vectors of a numeric model; None: nobody, its days stay NEUTRAL."""
        of_model = (model for model in self.regimes if model.numeric.model_id == numeric_model_id)
        return next((model for model in of_model if model.labels_days_of(region)), None)


def models_in_use(settings: Settings) -> ModelsInUse:
    """The models that the settings name. UsageError where one cannot be, or where they need two text models."""
    return chosen(load_registry(settings.models_file), settings)


def chosen(registry: Registry, settings: Settings) -> ModelsInUse:
    """The models of a registry that the settings name; raises as `models_in_use`."""
    joint = tuple(map(registry.joint, settings.joint_models))
    text = dict.fromkeys(model.text for model in joint)
    if len(text) > 1:
        names = " and ".join(model.model_id for model in text)
        raise UsageError(f"joint_models need the text models {names}, but a worker encodes with one; name fewer.")
    numeric = {model.numeric.model_id: model.numeric for model in joint}
    return ModelsInUse(joint, tuple(numeric.values()), joint[0].text, tuple(_regimes(registry, numeric)))


def _regimes(registry: Registry, numeric: Collection[str]) -> Iterator[RegimesModel]:
    """The fitted regimes of numeric models. UsageError where two would label the same days."""
    taken: dict[str, list[RegimesModel]] = {}
    for table in registry.tables.values():
        if table.kind != "regimes" or table.inputs[0] not in numeric:
            continue
        model = registry.regimes(table.model_id)
        for other in taken.setdefault(table.inputs[0], []):
            if not model.regions or not other.regions or set(model.regions) & set(other.regions):
                raise UsageError(
                    f"{other.model_id} and {model.model_id} would label the same days of {table.inputs[0]}: give each "
                    "regions of its own in the models file, or leave one out."
                )
        taken[table.inputs[0]].append(model)
        yield model
