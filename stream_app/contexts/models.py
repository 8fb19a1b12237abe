"""The models of which contexts are made, with what their vectors depend on."""

from collections.abc import Sequence
from dataclasses import dataclass

from stream_app.errors import Fatal
from stream_app.models import JointModel, ModelsInUse, NumericModel
from stream_app.store import joint_embeddings, models
from stream_app.store.database import Connection
from stream_app.store.joint_embeddings import MadeOf
from stream_app.store.models import Model


@dataclass(frozen=True, slots=True)
class ContextModels:
    """The models of one joint space: the joint model with its numeric one, and the text model as it is registered."""

    joint: JointModel
    text: Model

    @property
    def numeric(self) -> NumericModel:
        """The numeric model."""
        return self.joint.numeric


@dataclass(frozen=True, slots=True)
class KnownModels:
    """The models in use, all of them registered or free to be, with the text model's fingerprint."""

    in_use: ModelsInUse
    text: Model

    @property
    def spaces(self) -> Sequence[ContextModels]:
        """The models of each joint space, in the order in which a trigger's contexts are made."""
        return [ContextModels(joint, self.text) for joint in self.in_use.joint]


async def register(connection: Connection, in_use: ModelsInUse) -> None:
    """Note the numeric and joint models at their first use. Fatal as `known_models`."""
    for model in in_use.registered:
        await models.register(connection, model)


async def known_models(connection: Connection, in_use: ModelsInUse) -> KnownModels | None:
    """The models in use, of which nothing is written; None where the text model is not registered.

    Fatal if a numeric or a joint model's id stands for another model in this database, or for one of other inputs, or
    if a joint model's weights were fitted on texts of another model.
    """
    for model in in_use.registered:
        await models.check(connection, model)
    fingerprint = await models.fingerprint(connection, in_use.text.model_id)
    if fingerprint is None:
        return None
    for joint in in_use.joint:
        if (refusal := joint.refusal(fingerprint)) is not None:
            raise Fatal(refusal)
        await _check_inputs(connection, joint)
    return KnownModels(in_use, in_use.text.registered(fingerprint))


async def _check_inputs(connection: Connection, joint: JointModel) -> None:
    made_of = MadeOf(joint.model_id, joint.numeric.model_id, joint.text.model_id)
    if (found := await joint_embeddings.of_others(connection, made_of)) is not None:
        raise Fatal(
            f"The contexts of {found.model_id} in this database are made of {found.numeric_model_id} and "
            f"{found.text_model_id}, not of {made_of.numeric_model_id} and {made_of.text_model_id}: give a joint model "
            "of other inputs an id of its own in the file that models_file names."
        )
