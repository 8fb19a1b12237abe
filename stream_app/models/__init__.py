"""The models by id: read from the packaged file and the user's, checked, and put together from their algorithms."""

from stream_app.models.definitions import JointModel, NumericModel, RegimesModel, TextModel
from stream_app.models.in_use import LookBack, ModelsInUse, models_in_use
from stream_app.models.registry import Registry, load_registry

__all__ = [
    "JointModel",
    "LookBack",
    "ModelsInUse",
    "NumericModel",
    "RegimesModel",
    "Registry",
    "TextModel",
    "load_registry",
    "models_in_use",
]
