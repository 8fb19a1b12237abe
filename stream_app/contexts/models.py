"""The models of which a context is made, with what their vectors depend on."""

from dataclasses import dataclass

from schemas import DIM
from stream_app.config import Settings
from stream_app.regime import joint, numeric
from stream_app.store import models
from stream_app.store.database import Connection
from stream_app.store.models import Model


@dataclass(frozen=True, slots=True)
class ContextModels:
    """The numeric, text and joint model side by side; `window_days` is the numeric window's length in rows."""

    numeric: Model
    text: Model
    joint: Model
    window_days: int


def numeric_model(settings: Settings) -> Model:
    """The numeric model that the settings name."""
    return Model(settings.numeric_model_id, "numeric", DIM, numeric.fingerprint(settings.window_days))


def joint_model(settings: Settings) -> Model:
    """The joint model that the settings name."""
    return Model(settings.joint_model_id, "joint", DIM, joint.fingerprint())


def text_model(settings: Settings, fingerprint: str) -> Model:
    """The text model that the settings name, with the fingerprint of its loaded weights."""
    return Model(settings.text_model_id, "text", DIM, fingerprint)


async def known_models(connection: Connection, settings: Settings) -> ContextModels | None:
    """The models that the settings name, of which nothing is written; None where the text model is not registered.

    Fatal if the numeric or the joint model's id stands for another model in this database.
    """
    numeric_one, joint_one = numeric_model(settings), joint_model(settings)
    await models.check(connection, numeric_one)
    await models.check(connection, joint_one)
    fingerprint = await models.fingerprint(connection, settings.text_model_id)
    if fingerprint is None:
        return None
    return ContextModels(numeric_one, text_model(settings, fingerprint), joint_one, settings.window_days)
