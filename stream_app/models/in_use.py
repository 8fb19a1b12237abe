"""The models that a worker computes: the joint ones that its settings name, and what those are made of."""

from dataclasses import dataclass

from stream_app.config import Settings
from stream_app.errors import UsageError
from stream_app.models.definitions import JointModel, NumericModel, TextModel
from stream_app.models.registry import Registry, load_registry
from stream_app.store.models import Model


@dataclass(frozen=True, slots=True, eq=False)
class ModelsInUse:
    """The joint models, at least one, in the order of the settings, and their inputs, each once."""

    joint: tuple[JointModel, ...]
    numeric: tuple[NumericModel, ...]
    text: TextModel

    @property
    def registered(self) -> list[Model]:
        """The numeric and the joint models as the database knows them."""
        return [model.registered for model in self.numeric] + [model.registered for model in self.joint]

    @property
    def longest_window_days(self) -> int:
        """The rows of the longest numeric window."""
        return max(model.window_days for model in self.numeric)


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
    return ModelsInUse(joint, tuple(numeric.values()), joint[0].text)
